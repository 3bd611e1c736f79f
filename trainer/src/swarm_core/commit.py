"""Commits: what makes an iteration real, each naming the one before by digest.

A commit holds the swarm after the iteration (a few kilobytes of coefficients), the digest of every rollout the
iteration rests on and what was measured from it. The chain from HEAD to the first commit is the run: whoever has it
and the rollouts can replay every decision.

Order of writing: rollouts, then COMMIT (write-once), then HEAD (compare-and-swap). Nothing else decides that an
iteration is done.
"""

import json
from dataclasses import asdict, dataclass

from swarm_core.objectives.objective import Measurement
from swarm_core.recipe import Digest, ModelName, canonical_json, digest_bytes
from swarm_core.rollout import Unmeasured


@dataclass(frozen=True, slots=True)
class Probed:
    """One probe of an iteration: what was asked, where the evidence is, what it says."""

    name: str
    purpose: str
    position: tuple[float, ...]
    """Coefficients over the basis."""
    model: ModelName
    rollout: Digest
    result: Measurement | Unmeasured

    @property
    def fitness(self) -> float | None:
        return self.result.value if isinstance(self.result, Measurement) else None


@dataclass(frozen=True, slots=True)
class Commit:
    """One iteration, done."""

    experiment: Digest
    """The digest of the experiment's manifest."""
    iteration: int
    parent: Digest
    """The commit before; for iteration 0 the experiment."""
    basis: tuple[Digest, ...]
    swarm: str
    """The swarm after this iteration, as its exact JSON."""
    probes: tuple[Probed, ...]

    def to_bytes(self) -> bytes:
        return canonical_json(asdict(self))

    @property
    def digest(self) -> Digest:
        return digest_bytes(self.to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes) -> "Commit":
        fields = json.loads(data)
        probes = tuple(_probed(probe) for probe in fields.pop("probes"))
        return cls(**{**fields, "basis": tuple(fields["basis"])}, probes=probes)


def _probed(fields: dict[str, object]) -> Probed:
    result, position = fields["result"], fields["position"]
    assert isinstance(result, dict)
    assert isinstance(position, list)
    if "reason" in result:
        return Probed(**{**fields, "position": tuple(position), "result": Unmeasured(**result)})  # type: ignore[arg-type]
    parts = tuple((name, value) for name, value in result.pop("parts"))
    measured = Measurement(**result, parts=parts)
    return Probed(**{**fields, "position": tuple(position), "result": measured})  # type: ignore[arg-type]


def key(iteration: int) -> str:
    """Where the commit of an iteration stands in the store."""
    return f"iterations/{iteration:04d}/COMMIT.json"


def probe_key(iteration: int, name: str) -> str:
    """Where the rollout of a probe stands."""
    return rollout_key(f"iterations/{iteration:04d}", name)


def rollout_key(stage: str, name: str) -> str:
    """Where a rollout stands: `stage` is `iterations/0007`, `choice` or `final/2`."""
    return f"{stage}/rollouts/{name}.json.gz"
