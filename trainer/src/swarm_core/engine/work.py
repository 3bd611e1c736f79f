"""Work items, receipts and observations: the types that the engine, the hosts and the steps share.

The key of a work item follows from its purpose and is never random, so launching an item again is the same launch. A
receipt reports the results in less than 4 KiB, because Kubernetes silently truncates the termination message of a pod
at 4,096 bytes. Larger results are in the store, and the receipt has their digests.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from swarm_core.recipe import Digest, canonical_json
from swarm_core.swarm_names import GENERATORS

MAX_RECEIPT_BYTES = 4096


class Kind(StrEnum):
    """The kinds of work. The step with the same name does the work of each."""

    PREPARE = "prepare"
    TRAIN = "train"
    ITERATE = "iterate"
    CONCLUDE = "conclude"


@dataclass(frozen=True, slots=True)
class Needs:
    """The resources that an item needs while it runs, in addition to CPU and memory. By default, it needs none.

    Raises ValueError if it needs both an accelerator and servers.
    """

    accelerator: bool = False
    """Whether the item holds accelerators itself, as training does."""
    servers: tuple[str, ...] = ()
    """The URIs of the models whose inference servers the item asks. A host without servers runs the models in the item.
    """

    def __post_init__(self) -> None:
        if self.accelerator and self.servers:
            raise ValueError(
                f"needs: accelerator and servers {list(self.servers)}; a run never holds accelerators for training and"
                " for servers at once, so split the item in two"
            )


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A unit of work for one process. It is safe to do it twice: the second process finds the results of the first."""

    kind: Kind
    swarm: str = GENERATORS
    index: int = 0
    """For TRAIN, the seed cluster, or a number above all clusters for an adapter that is trained later. For ITERATE,
    the iteration."""
    parent: Digest | None = None
    """The digest that the item follows: the experiment (the manifest of prepare) for TRAIN in Seeding, or else the last
    commit, if there is one."""
    attempt: int = 1
    deadline_seconds: float = 86_400.0
    """Deadline in seconds. An item that exceeds it is canceled, which counts as a failed attempt."""
    needs: Needs = Needs()
    """The resources that a host provides before it starts the item. The key does not depend on them."""

    @property
    def key(self) -> str:
        """The name of the work, the same for all attempts: `prepare`, `train.generators.003`,
        `iterate.generators.0007`."""
        match self.kind:
            case Kind.TRAIN:
                return f"{self.kind}.{self.swarm}.{self.index:03d}"
            case Kind.ITERATE:
                return f"{self.kind}.{self.swarm}.{self.index:04d}"
            case _:
                return str(self.kind)

    @classmethod
    def from_key(cls, key: str) -> "WorkItem":
        """Return the item with this key; all other fields have their defaults. Raises ValueError for text that is not a
        key."""
        kind, _, rest = key.partition(".")
        swarm, _, index = rest.partition(".")
        return cls(Kind(kind), swarm, int(index)) if index else cls(Kind(kind))

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "WorkItem":
        fields = json.loads(text)
        needs = Needs(fields["needs"]["accelerator"], tuple(fields["needs"]["servers"]))
        return cls(**{**fields, "kind": Kind(fields["kind"]), "needs": needs})


@dataclass(frozen=True, slots=True)
class Receipt:
    """The results of a work item."""

    key: str
    outputs: Mapping[str, Digest] = field(default_factory=dict)
    """Digests by name, for later items."""
    scalars: Mapping[str, float | str | bool | None] = field(default_factory=dict)
    """A few values for the status and for the engine's stop rule. Floats are finite."""

    def to_bytes(self) -> bytes:
        """Return the receipt as JSON. Raises ValueError for a receipt of `MAX_RECEIPT_BYTES` or more."""
        data = canonical_json({"key": self.key, "outputs": dict(self.outputs), "scalars": dict(self.scalars)})
        if len(data) >= MAX_RECEIPT_BYTES:
            raise ValueError(f"receipt of {self.key} has {len(data)} bytes; it must stay under {MAX_RECEIPT_BYTES}")
        return data

    @classmethod
    def from_bytes(cls, data: bytes) -> "Receipt":
        return cls(**json.loads(data))


class FailureReason(StrEnum):
    """The reasons why an attempt ended without a receipt."""

    BAD_INPUT = "BadInput"
    """The user's input is invalid. Another attempt cannot succeed."""
    LOST = "Lost"
    """The process disappeared: it was killed or evicted, or its node failed. It does not count as a failed attempt."""
    DEADLINE = "DeadlineExceeded"
    BUDGET = "BudgetExceeded"
    """The budget of the run is used up before there is a result to conclude with."""
    ERROR = "Error"
    """The attempt failed. Another attempt may succeed."""


@dataclass(frozen=True, slots=True)
class Running:
    """An attempt that is running."""

    attempt: int
    since: float
    """Start time on the host's clock, in seconds."""


@dataclass(frozen=True, slots=True)
class Done:
    """A receipt of any attempt exists. The host stops other attempts under the key."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt that ended without a receipt."""

    attempt: int
    reason: FailureReason
    message: str
    at: float = 0.0
    """End time on the host's clock, in seconds. It distinguishes two losses of one attempt. 0 means unknown."""
    code: str = ""
    """The cause in one word, an `ErrorCode`; empty if it has none."""


Observation = Running | Done | Failed


@dataclass(frozen=True, slots=True)
class Observations:
    """The current observations of the host by work item key.

    A key that is absent was never launched or left no trace.
    """

    items: Mapping[str, Observation] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Launch:
    """Start this item, unless it is done, or this attempt or a later one is already running."""

    item: WorkItem


class CancelReason(StrEnum):
    """The reasons for canceling a running attempt."""

    DEADLINE = "DeadlineExceeded"
    SUPERSEDED = "Superseded"
    """A later attempt replaces it."""
    SUSPENDED = "Suspended"
    UNWANTED = "Unwanted"
    """The item is not pending: its result exists, or the run has ended."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop the running attempt under this key, if there is one. The host then reports the attempt as LOST."""

    key: str
    reason: CancelReason
    attempt: int | None = None
    """Stop only this attempt, so that a late cancel does not stop its successor. None: stop any attempt."""


Action = Launch | Cancel
