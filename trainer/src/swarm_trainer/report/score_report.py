"""The value of a list of items as lines, as JSON, and as one record for each item."""

import json
from collections.abc import Iterator

from swarm_core.commit import MeasuredValues
from swarm_core.objectives.objective import Measurement
from swarm_core.rollout import Rollout, Unmeasured
from swarm_trainer.report import dataset
from swarm_trainer.report.usage_report import Json


def format_lines(measured: MeasuredValues, rollout: Rollout) -> Iterator[str]:
    """Yield the values of the list, what the gates rejected, and how each taker did."""
    for name, value in measured:
        yield f"{name}: {format_value(value)}"
    rejected = ", ".join(f"{count:,} {gate}" for gate, count in rollout.rejected().items()) or "none"
    yield f"items {rollout.asked:,}, accepted {len(rollout.items):,}; rejected: {rejected}"
    means = get_parts(measured)
    for taker, fates in rollout.fates().items():
        mean = means.get(f"taker {taker}")
        counts = ", ".join(f"{count:,} {fate}" for fate, count in fates.items()) or "none"
        yield f"taker {taker}: mean score {'-' if mean is None else f'{mean:.3f}'}; answers: {counts}"
    yield f"tokens generated: {rollout.tokens:,}"


def get_parts(measured: MeasuredValues) -> dict[str, float]:
    """Return the means of the takers and the accepted share, which are the same for every value."""
    return next((dict(value.parts) for _, value in measured if isinstance(value, Measurement)), {})


def format_value(measured: Measurement | Unmeasured) -> str:
    """Return the value with its interval, or the reason why there is none."""
    if isinstance(measured, Unmeasured):
        return f"no value: {measured.reason}"
    return f"{measured.value:.4f}, 95 % interval {measured.low:.4f} to {measured.high:.4f}"


def build_figures(measured: MeasuredValues, rollout: Rollout) -> dict[str, Json]:
    """Return the same for programs. A value is null if there is none."""
    return {
        "values": {name: build_value(value) for name, value in measured},
        "parts": dict(get_parts(measured)),
        "items": rollout.asked,
        "accepted": len(rollout.items),
        "rejected": dict(rollout.rejected()),
        "answers": {taker: dict(fates) for taker, fates in rollout.fates().items()},
        "tokens": rollout.tokens,
    }


def build_value(measured: Measurement | Unmeasured) -> Json:
    """Return a value with its interval, or null with the reason."""
    if isinstance(measured, Unmeasured):
        return {"value": None, "reason": measured.reason}
    return {"value": measured.value, "low": measured.low, "high": measured.high}


def format_records(rollout: Rollout) -> str:
    """Return JSON Lines: accepted items with the answers of the takers, then rejected ones with gate and reason."""
    accepted = (
        {**dataset.item_to_json(one.item), "answers": dataset.build_answers(one, rollout.takers)}
        for one in rollout.items
    )
    rejected = (
        {**dataset.item_to_json(one.item), "gate": one.gate, "reason": one.reason} for one in rollout.rejections
    )
    return "".join(json.dumps(one, ensure_ascii=False, allow_nan=False) + "\n" for one in (*accepted, *rejected))
