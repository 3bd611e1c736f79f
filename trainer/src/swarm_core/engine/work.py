"""Work items, receipts and what a host observes of them: the words that engine, hosts and verbs share.

A work item is named by what it is for, never by a random id, so launching it again is the same launch. A receipt says
what came out, in under 4 KiB (a pod's termination message is cut at 4,096 bytes without a word); larger things are
in the store, and the receipt names their digests.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from swarm_core.recipe import Digest, canonical_json
from swarm_core.swarm_names import GENERATORS

MAX_RECEIPT_BYTES = 4096


class Kind(StrEnum):
    """The kinds of work; a verb of the same name carries each out."""

    PREPARE = "prepare"
    TRAIN = "train"
    ITERATE = "iterate"
    CONCLUDE = "conclude"


@dataclass(frozen=True, slots=True)
class Needs:
    """What an item must have while it is carried out, beside a processor and memory. By default nothing."""

    accelerator: bool = False
    """Whether it holds accelerators of its own, as training does."""
    servers: tuple[str, ...] = ()
    """The URIs of the models whose inference servers it asks. A host without servers runs these models in the item."""

    def __post_init__(self) -> None:
        if self.accelerator and self.servers:
            raise ValueError(
                f"needs: accelerator and servers {list(self.servers)}; a run never holds accelerators for training and"
                " for servers at once, so split the item in two"
            )


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One thing to be done by one process. Safe to do twice: the second finds the first one's results."""

    kind: Kind
    swarm: str = GENERATORS
    index: int = 0
    """The seed cluster of a SEED, or a number behind the clusters for one trained later; an ITERATE's iteration."""
    parent: Digest | None = None
    """What it follows: the experiment (prepare's manifest) for a SEED in Seeding, else the last commit."""
    attempt: int = 1
    deadline_seconds: float = 86_400.0
    """After so long it is cancelled and counts as a failed attempt."""
    needs: Needs = Needs()
    """What a host provides before it starts the item. The key does not depend on it."""

    @property
    def key(self) -> str:
        """The name of the work, whatever the attempt: `prepare`, `train.generators.003`, `iterate.generators.0007`."""
        match self.kind:
            case Kind.TRAIN:
                return f"{self.kind}.{self.swarm}.{self.index:03d}"
            case Kind.ITERATE:
                return f"{self.kind}.{self.swarm}.{self.index:04d}"
            case _:
                return str(self.kind)

    @classmethod
    def from_key(cls, key: str) -> "WorkItem":
        """The item of a key, as far as the key tells. Raises ValueError for what is no key."""
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
    """What a work item brought."""

    key: str
    outputs: Mapping[str, Digest] = field(default_factory=dict)
    """Digests by name: what later items read."""
    scalars: Mapping[str, float | str | bool | None] = field(default_factory=dict)
    """A few values for status and for the engine's stop rule. Floats are finite."""

    def to_bytes(self) -> bytes:
        """Raises ValueError when larger than a termination message may be."""
        data = canonical_json({"key": self.key, "outputs": dict(self.outputs), "scalars": dict(self.scalars)})
        if len(data) >= MAX_RECEIPT_BYTES:
            raise ValueError(f"receipt of {self.key} has {len(data)} bytes; it must stay under {MAX_RECEIPT_BYTES}")
        return data

    @classmethod
    def from_bytes(cls, data: bytes) -> "Receipt":
        return cls(**json.loads(data))


class FailureReason(StrEnum):
    """Why an attempt ended without a receipt."""

    BAD_INPUT = "BadInput"
    """The user's input cannot work; trying again cannot help."""
    LOST = "Lost"
    """The process vanished: killed, evicted, node gone. Costs no attempt."""
    DEADLINE = "DeadlineExceeded"
    BUDGET = "BudgetExceeded"
    """No item's fault: what the run may use is used, and there is nothing yet to conclude."""
    ERROR = "Error"
    """It failed; another attempt may succeed."""


@dataclass(frozen=True, slots=True)
class Running:
    """An attempt that lives."""

    attempt: int
    since: float
    """When it started, on the host's clock, in seconds."""


@dataclass(frozen=True, slots=True)
class Done:
    """A receipt exists, whatever attempt brought it. The host ends what else runs under the key."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt that ended without a receipt."""

    attempt: int
    reason: FailureReason
    message: str
    at: float = 0.0
    """When it ended, on the host's clock: tells two losses of one attempt apart. 0 if the host cannot say."""


Observation = Running | Done | Failed


@dataclass(frozen=True, slots=True)
class Observations:
    """What the host sees now: observations by work item key. An absent key was never launched, or left no trace."""

    items: Mapping[str, Observation] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Launch:
    """Start this item unless it is known to be done, or this attempt of it or a later one runs already."""

    item: WorkItem


class CancelReason(StrEnum):
    """Why something that runs is ended."""

    DEADLINE = "DeadlineExceeded"
    SUPERSEDED = "Superseded"
    """A later attempt takes its place."""
    SUSPENDED = "Suspended"
    UNWANTED = "Unwanted"
    """Nobody waits for it: its result exists already, or the run is over."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """End what runs under this key; nothing happens if nothing does. The host then reports that attempt as LOST."""

    key: str
    reason: CancelReason
    attempt: int | None = None
    """End this attempt only, so that a cancel that arrives late does not hit its successor. None: whatever runs."""


Action = Launch | Cancel
