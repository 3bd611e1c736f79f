"""Commits: what makes an iteration real, each naming the one before by digest.

A commit holds the swarm after the iteration (a few kilobytes of coefficients), the digest of every rollout the
iteration rests on and what was measured from it. The chain from HEAD to the first commit is the run: whoever has it
and the rollouts can replay every decision.

This is the commit of programs that search; it stands in an `Envelope`, which the commits of all programs have. Swarms
that take turns share one chain: a commit says which of them it moved, against which models, and on which pool. What a
run of one swarm has no use for is left out of the text.

Order of writing: rollouts, then COMMIT (write-once), then HEAD (compare-and-swap). Nothing else decides that an
iteration is done.
"""

from dataclasses import asdict, dataclass, field
from dataclasses import fields as fields_of
from typing import Any

from swarm_core.envelope import Envelope, UnknownKindError
from swarm_core.objectives.objective import Measurement
from swarm_core.recipe import Digest, ModelName, digest_bytes
from swarm_core.rollout import Unmeasured
from swarm_core.swarm_names import GENERATORS

OMITTED_AT_DEFAULT = frozenset({"swarm_name", "opponents", "pool", "held_out"})
"""Left out of the text at their default."""
ENVELOPE_FIELDS = frozenset({"kind", "iteration", "parent"})
"""What the envelope holds; all else is its payload."""


MeasuredValues = tuple[tuple[str, Measurement | Unmeasured], ...]
"""What was measured of one candidate, by the name of the objective."""


@dataclass(frozen=True, slots=True)
class MeasuredCandidate:
    """One candidate of an iteration: what was asked, where the evidence is, what it says."""

    name: str
    purpose: str
    position: tuple[float, ...]
    """Coefficients over the basis."""
    model: ModelName
    rollout: Digest
    values: MeasuredValues
    """What was measured, by the name of the objective."""
    fitness: float | None
    """What the swarm is told, composed from `values`; None is unscored."""


def get_values(measured: MeasuredValues) -> dict[str, float | None]:
    """The measured values by name, as a composition takes them: without their intervals."""
    return {name: found.value if isinstance(found, Measurement) else None for name, found in measured}


@dataclass(frozen=True, slots=True)
class Commit:
    """One iteration, done."""

    experiment: Digest
    """The digest of the experiment's manifest."""
    iteration: int
    """Its place in the chain: the turn, where swarms take turns."""
    parent: Digest
    """The commit before; for iteration 0 the experiment."""
    basis: tuple[Digest, ...]
    swarm: str
    """The swarm after this iteration, as its exact JSON."""
    candidates: tuple[MeasuredCandidate, ...]
    swarm_name: str = GENERATORS
    """The name of the swarm."""
    opponents: tuple[ModelName, ...] = ()
    """The takers that moving generators faced, where takers move as well."""
    pool: Digest | None = None
    """The `Pool` that moving takers were measured on."""
    held_out: tuple[MeasuredCandidate, ...] = ()
    """The best taker on held-out data: for the curve, and for no decision."""
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
        """Raises UnknownVersionError, and UnknownKindError for a kind of run that does not search."""
        outside = Envelope.from_bytes(data)
        fields = dict(outside.payload)
        if not fields.keys() <= {one.name for one in fields_of(cls)} or "swarm" not in fields:
            raise UnknownKindError(
                f"a commit of a run of kind {outside.kind} holds no search; use the commands for that kind of run"
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
    """Where the commit of an iteration stands in the store."""
    return f"iterations/{iteration:04d}/COMMIT.json"


def candidate_key(iteration: int, name: str) -> str:
    """Where the rollout of a candidate stands."""
    return rollout_key(f"iterations/{iteration:04d}", name)


def rollout_key(stage: str, name: str) -> str:
    """Where a rollout stands: `stage` is `iterations/0007`, `choice` or `final/2`."""
    return f"{stage}/rollouts/{name}.json.gz"
