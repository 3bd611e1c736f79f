"""`result.json`: the run's outcome for machines.

Its `digest` covers every other field but `usage`, which is of the work and not of the outcome: two runs of one
experiment agree in all but that. So `usage` is not stored with the outcome, but added where it is handed out.
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


def generator_to_json(generator: EvaluatedGenerator) -> dict[str, Json]:
    return {
        "name": generator.name,
        "recipe": generator.model,
        "coefficients": nest_coefficients(generator.position, generator.groups),
        "searched": generator.search_value,
        "fresh": measurement_to_json(generator.fresh),
    }


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a result is the result of."""

    experiment: Experiment
    seed: int
    last: Digest
    """The digest of the last commit, which names the whole search."""


def search_result_to_json(result: SearchResult, origin: Provenance) -> dict[str, Json]:
    """The result without its digest, and without usage. `passedOver` is there where somebody was."""
    return {
        "experimentDigest": origin.experiment.digest,
        "lastCommit": origin.last,
        "objective": result.objective,
        "stop": result.stop,
        "seeds": {"run": origin.seed, "final": len(result.best.rollouts)},
        "best": generator_to_json(result.best),
        "initial": generator_to_json(result.initial),
        "initials": [generator_to_json(generator) for generator in result.initials],
        "gain": {"value": result.gain.value, "low": result.gain.low, "high": result.gain.high},
        "counts": {
            "asked": result.counts.asked,
            "items": result.counts.items,
            "rejected": dict(result.counts.rejected),
            "unscored": dict(result.counts.unscored),
            "tokens": result.counts.tokens,
        },
        **({"passedOver": list(result.passed_over)} if result.passed_over else {}),
    }


def serialize(result: SearchResult, origin: Provenance) -> str:
    """The file's text as a run stores it: the same whatever the work took."""
    return serialize_with_digest(search_result_to_json(result, origin))


def serialize_with_digest(content: Mapping[str, Json]) -> str:
    """The text with its own digest before everything else."""
    return format_json({"digest": digest_bytes(canonical_json(content)), **content})


def serialize_with_usage(stored: bytes, usage: Usage) -> str:
    """The file's text as a reader gets it: with what the work took."""
    return format_json({**json.loads(stored), "usage": usage_report.to_json(usage)})


def format_json(content: Mapping[str, Json]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
