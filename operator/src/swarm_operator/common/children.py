"""The child objects of a run, parsed into the fields that the operator reads.

All times are seconds since 1970-01-01 UTC. None means that it has not happened yet.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from swarm_operator.common import names


@dataclass(frozen=True, slots=True)
class ContainerExit:
    """The exit of a container: its code, its reason and its termination message."""

    code: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Job:
    """A Job and its work items, in the order of its completion indexes."""

    name: str
    uid: str
    work: str
    attempt: int
    keys: tuple[str, ...]
    created: float
    over: bool
    """The Job is Complete or Failed. It starts no more pods."""
    deleting: bool
    failed: bool = False
    """The Job has the condition Failed."""
    settled: frozenset[str] = frozenset()
    """Keys of the items that succeeded or failed in this Job. The Job starts no more pods for them."""
    digest: str = ""
    """The digest of the manifest that it was created from. Empty if it is unknown."""
    suspended: bool = False
    """Kueue, or somebody else, holds the Job back: `spec.suspend` is true."""

    @property
    def alive(self) -> bool:
        """Whether the Job can still start pods."""
        return not self.over and not self.deleting


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of a Job or of a server."""

    name: str
    uid: str
    work: str
    job: str
    """The name of its Job. Empty for the pod of a server."""
    key: str
    """The key of its work item, or the number of its server. Empty for the pod of a purge Job."""
    attempt: int
    failures: int
    """Earlier failures of its completion index, as the Job counts them."""
    accelerators: int
    created: float
    scheduled: float | None
    """When the pod was assigned to a node. It holds its accelerators from then on."""
    started: float | None
    """When its container started."""
    ready: float | None
    ended: float | None
    """When the container main ended, or when the pod did, if that container never started."""
    deleted: float | None
    """The deletionTimestamp, which includes the grace period: the kubelet must have ended the pod by then."""
    exit: ContainerExit | None
    """The last exit of its container. The pod itself may still run, with a restarted container."""
    disrupted: bool
    """Whether the cluster ended it: eviction by a node under pressure, preemption or loss of the node."""
    start_problem: tuple[str, str] = ("", "")
    """Reason and message of the problem that keeps it from running. Both are empty if there is none."""
    disruption: str = ""
    """How the cluster ended it, in the words of Kubernetes. Empty if it did not."""
    lingering: bool = False
    """Whether other containers of the pod still run although the container main has ended."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """The Deployment of a server."""

    name: str
    uid: str
    replicas: int
    digest: str
    """The digest of the manifest it was created from, without the replicas."""
    deleting: bool
    refusal: str = ""
    """Why the API server refuses its pods. Empty if it does not."""


@dataclass(frozen=True, slots=True)
class Children:
    """All children of a run that the operator watches."""

    jobs: tuple[Job, ...]
    pods: tuple[Pod, ...]
    deployments: tuple[Deployment, ...]
    purges: tuple[Job, ...] = ()
    """Jobs that delete the results of the run from its bucket. They belong to no work item."""
    warnings: Mapping[str, str] = field(default_factory=dict)
    """The message of the latest Warning event about a child, by the uid of the child."""

    def work_pods(self) -> Iterator[Pod]:
        """Pods that run work items."""
        return (pod for pod in self.pods if pod.work not in (names.SERVE, names.PURGE))

    def server_pods(self) -> Iterator[Pod]:
        """Pods of inference servers."""
        return (pod for pod in self.pods if pod.work == names.SERVE)
