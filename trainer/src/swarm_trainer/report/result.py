"""`result.json`: the run's outcome for machines.

Its `digest` covers every other field but `effort`, which is of the work and not of the outcome: two runs of one
experiment agree in all but that. So `effort` is not stored with the outcome, but added where it is handed out.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from swarm_core.effort import Effort
from swarm_core.experiment import Experiment
from swarm_core.objectives.objective import Measurement
from swarm_core.recipe import Digest, canonical_json, digest_bytes
from swarm_core.swarm import positions
from swarm_core.swarm.positions import Position
from swarm_trainer.report import account
from swarm_trainer.report.account import Json
from swarm_trainer.report.verdict import Contender, Verdict


def measured(measurement: Measurement) -> dict[str, Json]:
    return {
        "value": measurement.value,
        "low": measurement.low,
        "high": measurement.high,
        "items": measurement.n,
        "parts": dict(measurement.parts),
    }


def coefficients(position: Position, groups: int) -> list[Json]:
    """One list over the initial adapters, or one for each layer if there are several blocks."""
    return list(position) if groups == 1 else [list(block) for block in positions.blocks(position, groups)]


def contender(one: Contender) -> dict[str, Json]:
    return {
        "name": one.name,
        "recipe": one.model,
        "coefficients": coefficients(one.position, one.groups),
        "searched": one.searched,
        "fresh": measured(one.fresh),
    }


@dataclass(frozen=True, slots=True)
class Origin:
    """What a result is the result of."""

    experiment: Experiment
    seed: int
    last: Digest
    """The digest of the last commit, which names the whole search."""


def fields(verdict: Verdict, origin: Origin) -> dict[str, Json]:
    """The result without its digest, and without effort. `passedOver` is there where somebody was."""
    return {
        "experimentDigest": origin.experiment.digest,
        "lastCommit": origin.last,
        "objective": verdict.objective,
        "stop": verdict.stop,
        "seeds": {"run": origin.seed, "final": len(verdict.best.rollouts)},
        "best": contender(verdict.best),
        "initial": contender(verdict.initial),
        "initials": [contender(one) for one in verdict.initials],
        "gain": {"value": verdict.gain.value, "low": verdict.gain.low, "high": verdict.gain.high},
        "counts": {
            "asked": verdict.counts.asked,
            "items": verdict.counts.items,
            "rejected": dict(verdict.counts.rejected),
            "unscored": dict(verdict.counts.unscored),
            "tokens": verdict.counts.tokens,
        },
        **({"passedOver": list(verdict.passed)} if verdict.passed else {}),
    }


def text(verdict: Verdict, origin: Origin) -> str:
    """The file's text as a run stores it: the same whatever the work took."""
    return sealed(fields(verdict, origin))


def sealed(content: Mapping[str, Json]) -> str:
    """The text with its own digest before everything else."""
    return written({"digest": digest_bytes(canonical_json(content)), **content})


def told(stored: bytes, effort: Effort) -> str:
    """The file's text as a reader gets it: with what the work took."""
    return written({**json.loads(stored), "effort": account.fields(effort)})


def written(content: Mapping[str, Json]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
