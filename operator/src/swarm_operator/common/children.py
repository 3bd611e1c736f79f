"""Children of a run as the operator looks at them.

Times are seconds since 1970-01-01 UTC; None is not yet.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from swarm_operator.common import names


@dataclass(frozen=True, slots=True)
class ContainerExit:
    """How a container ended."""

    code: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Job:
    """A Job, and the items it is for in the order of its completions."""

    name: str
    uid: str
    work: str
    attempt: int
    keys: tuple[str, ...]
    created: float
    over: bool
    """Complete or Failed: it starts no pod any more."""
    deleting: bool
    failed: bool = False
    """Over without having come to its end."""
    settled: frozenset[str] = frozenset()
    """Keys that it starts no pod for any more, done or failed."""

    @property
    def alive(self) -> bool:
        return not self.over and not self.deleting


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of a Job or of a server."""

    name: str
    uid: str
    work: str
    job: str
    """The name of its Job; empty for a server's."""
    key: str
    """Of its item; a server's is its number, and who purges has none."""
    attempt: int
    failures: int
    """Of its index before it, as the Job counts them."""
    accelerators: int
    created: float
    scheduled: float | None
    """When it got a node, and with it its accelerators."""
    started: float | None
    """When its container began to run."""
    ready: float | None
    ended: float | None
    deleted: float | None
    """When it must be gone: the deletion's moment and the grace period together."""
    exit: ContainerExit | None
    """Of a container that ended, in a pod that may go on."""
    disrupted: bool
    """Ended by the cluster: evicted, preempted, its node gone."""
    start_problem: tuple[str, str] = ("", "")
    """Reason and message of what keeps it from running."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A server's Deployment."""

    name: str
    uid: str
    replicas: int
    digest: str
    deleting: bool


@dataclass(frozen=True, slots=True)
class Children:
    """All of them."""

    jobs: tuple[Job, ...]
    pods: tuple[Pod, ...]
    deployments: tuple[Deployment, ...]
    purges: tuple[Job, ...] = ()
    """Jobs that delete what the run keeps in its bucket, which are for no item."""

    def work_pods(self) -> Iterator[Pod]:
        """Pods of Jobs that are for items."""
        return (pod for pod in self.pods if pod.work not in (names.SERVE, names.PURGE))

    def server_pods(self) -> Iterator[Pod]:
        """Pods of servers."""
        return (pod for pod in self.pods if pod.work == names.SERVE)
