"""`result.json`: the run's outcome for machines.

Its `digest` covers every other field but `effort`, which is of the work and not of the outcome: two runs of one
experiment agree in all but that. So `effort` is not stored with the outcome, but added where it is handed out.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from swarm_core.experiment import Experiment
from swarm_core.objectives.objective import Measurement
from swarm_core.optimizers import positions
from swarm_core.optimizers.positions import Position
from swarm_core.recipe import Digest, canonical_json, digest_bytes
from swarm_core.usage import Usage
from swarm_trainer.report import usage_report
from swarm_trainer.report.search_result import EvaluatedGenerator, SearchResult
from swarm_trainer.report.usage_report import Json


def measurement_to_json(measurement: Measurement) -> dict[str, Json]:
    return {
        "value": measurement.value,
        "low": measurement.low,
        "high": measurement.high,
        "items": measurement.n,
        "parts": dict(measurement.parts),
    }


def nest_coefficients(position: Position, groups: int) -> list[Json]:
    """One list over the initial adapters, or one for each layer if there are several blocks."""
    return list(position) if groups == 1 else [list(block) for block in positions.blocks(position, groups)]


def generator_to_json(one: EvaluatedGenerator) -> dict[str, Json]:
    return {
        "name": one.name,
        "recipe": one.model,
        "coefficients": nest_coefficients(one.position, one.groups),
        "searched": one.searched,
        "fresh": measurement_to_json(one.fresh),
    }


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a result is the result of."""

    experiment: Experiment
    seed: int
    last: Digest
    """The digest of the last commit, which names the whole search."""


def search_result_to_json(verdict: SearchResult, origin: Provenance) -> dict[str, Json]:
    """The result without its digest, and without effort. `passedOver` is there where somebody was."""
    return {
        "experimentDigest": origin.experiment.digest,
        "lastCommit": origin.last,
        "objective": verdict.objective,
        "stop": verdict.stop,
        "seeds": {"run": origin.seed, "final": len(verdict.best.rollouts)},
        "best": generator_to_json(verdict.best),
        "initial": generator_to_json(verdict.initial),
        "initials": [generator_to_json(one) for one in verdict.initials],
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


def serialize(verdict: SearchResult, origin: Provenance) -> str:
    """The file's text as a run stores it: the same whatever the work took."""
    return serialize_with_digest(search_result_to_json(verdict, origin))


def serialize_with_digest(content: Mapping[str, Json]) -> str:
    """The text with its own digest before everything else."""
    return format_json({"digest": digest_bytes(canonical_json(content)), **content})


def serialize_with_usage(stored: bytes, effort: Usage) -> str:
    """The file's text as a reader gets it: with what the work took."""
    return format_json({**json.loads(stored), "effort": usage_report.to_json(effort)})


def format_json(content: Mapping[str, Json]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
