"""Commits of a search: the record of one iteration. Each commit names the commit before it by digest.

A commit holds the swarm after the iteration (a few kilobytes of coefficients), the digest of every rollout of the
iteration, and the measurements. The chain from HEAD to the first commit is the run: with it and the rollouts, every
decision can be replayed.

This is the commit of programs that search. It is the payload of an `Envelope`, which the commits of all programs share.
Swarms that take turns share one chain: a commit names its swarm, the opponents and the pool. Fields that a run of one
swarm does not use are left out of the text.

Order of writing: rollouts, then COMMIT (write-once), then HEAD (compare-and-swap). An iteration is done if and only if
its commit exists.
"""

from dataclasses import asdict, dataclass, field
from dataclasses import fields as fields_of
from typing import Any

from swarm_core.envelope import Envelope, UnknownKindError
from swarm_core.objectives.objective import Measurement
from swarm_core.recipe import Digest, ModelName, digest_bytes
from swarm_core.rollout import Unmeasured
from swarm_core.swarm_names import GENERATORS

OMITTED_AT_DEFAULT = frozenset({"swarm_name", "opponents", "pool", "held_out", "reference"})
"""The fields that are left out of the text if they have their default."""
ENVELOPE_FIELDS = frozenset({"kind", "iteration", "parent"})
"""The fields that are in the envelope. All other fields are in its payload."""


MeasuredValues = tuple[tuple[str, Measurement | Unmeasured], ...]
"""The measurements of one candidate: pairs of the name of the objective and the measurement."""


@dataclass(frozen=True, slots=True)
class MeasuredCandidate:
    """One candidate of an iteration with its rollout, its measurements and its fitness."""

    name: str
    purpose: str
    position: tuple[float, ...]
    """The coefficients over the basis, [groups * basis]."""
    model: ModelName
    rollout: Digest
    values: MeasuredValues
    """The measurements by the name of the objective."""
    fitness: float | None
    """The fitness that the swarm receives, composed from `values`; None means unscored."""


def get_values(measured: MeasuredValues) -> dict[str, float | None]:
    """Return the measured values by name, without their intervals; None means unmeasured. A composition takes this
    form."""
    return {name: one.value if isinstance(one, Measurement) else None for name, one in measured}


@dataclass(frozen=True, slots=True)
class Commit:
    """The record of one completed iteration."""

    experiment: Digest
    """The digest of the experiment's manifest."""
    iteration: int
    """The index of the commit in the chain. If swarms take turns, it counts turns."""
    parent: Digest
    """The digest of the commit before; for iteration 0, that of the experiment."""
    basis: tuple[Digest, ...]
    swarm: str
    """The swarm after this iteration, as its exact JSON."""
    candidates: tuple[MeasuredCandidate, ...]
    swarm_name: str = GENERATORS
    """The name of the swarm that moved."""
    opponents: tuple[ModelName, ...] = ()
    """The takers that measured the generators, in a game."""
    pool: Digest | None = None
    """The digest of the `Pool` that the takers were measured on, in a game."""
    held_out: tuple[MeasuredCandidate, ...] = ()
    """The measurements of the best taker on held-out data. They are only shown and affect no decision."""
    reference: Digest | None = None
    """The digest of the takers' answers to the reference set; None if the objective needs none."""
    kind: str = field(kw_only=True)
    """The kind of run."""

    def to_bytes(self) -> bytes:
        silent = {
            one.name
            for one in fields_of(self)
            if one.name in OMITTED_AT_DEFAULT and getattr(self, one.name) == one.default
        }
        silent |= ENVELOPE_FIELDS
        payload = {name: value for name, value in asdict(self).items() if name not in silent}
        return Envelope(self.kind, self.iteration, self.parent, payload).to_bytes()

    @property
    def digest(self) -> Digest:
        return digest_bytes(self.to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes) -> "Commit":
        """Return the commit that `to_bytes` wrote.

        Raises UnknownVersionError for another format, and UnknownKindError for the commit of a run that does not
        search.
        """
        outside = Envelope.from_bytes(data)
        fields = dict(outside.payload)
        if not fields.keys() <= {one.name for one in fields_of(cls)} or "swarm" not in fields:
            raise UnknownKindError(
                f"a commit of a run of kind {outside.kind} has no search; use the commands for that kind of run"
            )
        candidates = tuple(_parse_candidate(candidate) for candidate in fields.pop("candidates"))
        held_out = tuple(_parse_candidate(candidate) for candidate in fields.pop("held_out", ()))
        fields |= {name: tuple(fields[name]) for name in ("basis", "opponents") if name in fields}
        fields |= {"iteration": outside.iteration, "parent": outside.parent, "kind": outside.kind}
        return cls(**fields, candidates=candidates, held_out=held_out)


def _parse_candidate(fields: dict[str, Any]) -> MeasuredCandidate:
    values = tuple((name, _parse_value(found)) for name, found in fields["values"])
    return MeasuredCandidate(**{**fields, "position": tuple(fields["position"]), "values": values})


def _parse_value(fields: dict[str, Any]) -> Measurement | Unmeasured:
    if "reason" in fields:
        return Unmeasured(**fields)
    return Measurement(**{**fields, "parts": tuple((name, value) for name, value in fields["parts"])})


def key(iteration: int) -> str:
    """Return the store key of the commit of an iteration."""
    return f"iterations/{iteration:04d}/COMMIT.json"


def candidate_key(iteration: int, name: str) -> str:
    """Return the store key of the rollout of a candidate."""
    return rollout_key(f"iterations/{iteration:04d}", name)


def rollout_key(stage: str, name: str) -> str:
    """Return the store key of a rollout. `stage`: such as `iterations/0007`, `choice` or `final/2`."""
    return f"{stage}/rollouts/{name}.json.gz"


def rival_key(rival: str, stage: str, name: str) -> str:
    """Return the store key of a rollout that a rival made. `stage`: such as `final/2`."""
    return rollout_key(f"rivals/{rival}/{stage}", name)
