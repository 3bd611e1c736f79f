"""`result.json`: the outcome of a run for programs.

Its `digest` covers all other fields except `usage`. `usage` describes the work and not the outcome: two runs of the
same experiment agree in all other fields. So `usage` is not stored with the outcome, but added when the file is
installed or exported.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from swarm_core.experiment import Experiment
from swarm_core.objectives.objective import Measurement
from swarm_core.optimizers import positions
from swarm_core.optimizers.positions import Position
from swarm_core.recipe import Digest, canonical_json, digest_bytes
from swarm_core.usage import Usage
from swarm_trainer.report import usage_report
from swarm_trainer.report.search_result import EvaluatedGenerator, Interval, SearchResult, TermResult
from swarm_trainer.report.usage_report import Json


def measurement_to_json(measurement: Measurement) -> dict[str, Json]:
    """Return a measurement with its 95 % interval (`low`, `high`) and its number of items."""
    return {
        "value": measurement.value,
        "low": measurement.low,
        "high": measurement.high,
        "items": measurement.n,
        "parts": dict(measurement.parts),
    }


def gain_to_json(gain: Interval) -> dict[str, Json]:
    """Return a difference with its interval and its verdict: `Gain`, `Loss` or `NotResolved`."""
    return {"value": gain.value, "low": gain.low, "high": gain.high, "verdict": str(gain.verdict)}


def nest_coefficients(position: Position, groups: int) -> list[Json]:
    """Return one list of coefficients over the initial adapters, or one list for each of `groups` > 1 blocks."""
    return list(position) if groups == 1 else [list(block) for block in positions.split_blocks(position, groups)]


def generator_to_json(generator: EvaluatedGenerator) -> dict[str, Json]:
    """Return a generator of the final evaluation. `searched` is its value during the search.

    `values` are those that a weighted sum adds.
    """
    values: Json = {name: measurement_to_json(value) for name, value in generator.measurements.items()}
    return {
        "name": generator.name,
        "recipe": generator.model,
        "coefficients": nest_coefficients(generator.position, generator.groups),
        "searched": generator.search_value,
        "fresh": measurement_to_json(generator.fresh),
        **({"values": values} if values else {}),
    }


def term_to_json(term: TermResult) -> dict[str, Json]:
    """Return a term of a weighted sum. `atLeast` and `floor` are present if it has a floor."""
    verdict = term.floor_verdict
    return {
        "name": term.name,
        "weight": term.weight,
        **({} if verdict is None else {"atLeast": term.at_least, "floor": str(verdict)}),
        "best": measurement_to_json(term.best),
        "initial": measurement_to_json(term.initial),
        "gain": gain_to_json(term.gain),
    }


def describe_terms(result: SearchResult) -> dict[str, Json]:
    """Return the terms of a weighted sum, and the statistics that they are normalized by; nothing without terms."""
    if not result.terms:
        return {}
    start: Json = {name: {"mean": one.mean, "deviation": one.deviation} for name, one in result.start.items()}
    return {"terms": [term_to_json(term) for term in result.terms], **({"start": start} if result.start else {})}


@dataclass(frozen=True, slots=True)
class Provenance:
    """The experiment, the seed and the last commit that a result belongs to."""

    experiment: Experiment
    seed: int
    last: Digest
    """The digest of the last commit. It covers the whole search, because each commit names its parent."""


def search_result_to_json(result: SearchResult, origin: Provenance) -> dict[str, Json]:
    """Return the result without `digest` and `usage`. `passedOver` is present if generators were passed over."""
    return {
        "experimentDigest": origin.experiment.digest,
        "lastCommit": origin.last,
        "objective": result.objective,
        "stop": result.stop,
        "seeds": {"run": origin.seed, "final": len(result.best.rollouts)},
        "best": generator_to_json(result.best),
        "initial": generator_to_json(result.initial),
        "initials": [generator_to_json(generator) for generator in result.initials],
        "gain": gain_to_json(result.gain),
        **describe_terms(result),
        "counts": {
            "asked": result.counts.asked,
            "items": result.counts.items,
            "rejected": dict(result.counts.rejected),
            "unscored": dict(result.counts.unscored),
            "answers": {taker: dict(fates) for taker, fates in result.counts.fates.items()},
            "thinkingTokens": result.counts.thinking_tokens,
            "tokens": result.counts.tokens,
            **describe_panel(result.counts.spreads),
        },
        **({"passedOver": list(result.passed_over)} if result.passed_over else {}),
        **{one.field: one.to_json() for one in result.supplements},
    }


def describe_panel(spreads: Sequence[float]) -> dict[str, Json]:
    """Return how far the members of a panel agree, as `panel`; nothing if no panel judged."""
    if not spreads:
        return {}
    same = sum(spread == 0 for spread in spreads)
    return {"panel": {"answers": len(spreads), "unanimous": same, "meanRange": fmean(spreads)}}


def serialize(result: SearchResult, origin: Provenance) -> str:
    """Return the text that a run stores. It does not depend on the usage."""
    return serialize_with_digest(search_result_to_json(result, origin))


def serialize_with_digest(content: Mapping[str, Json]) -> str:
    """Return `content` as JSON with the digest of `content` as the first field."""
    return format_json({"digest": digest_bytes(canonical_json(content)), **content})


def serialize_with_usage(stored: bytes, usage: Usage) -> str:
    """Return the text for readers: the stored JSON with `usage` added. Raises ValueError if `stored` is not JSON."""
    return format_json({**json.loads(stored), "usage": usage_report.to_json(usage)})


def format_json(content: Mapping[str, Json]) -> str:
    """Format `content` as indented JSON. Raises ValueError if a number is not finite."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
