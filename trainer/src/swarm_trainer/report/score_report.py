"""The value of a list of items as lines, as JSON, and as one record for each item."""

import json
from collections.abc import Iterator

from swarm_core.objectives.objective import Measurement
from swarm_core.rollout import Rollout, Unmeasured
from swarm_trainer.report import dataset
from swarm_trainer.report.usage_report import Json


def format_lines(name: str, measured: Measurement | Unmeasured, rollout: Rollout) -> Iterator[str]:
    """Yield the value of the list, what the gates rejected, and how each taker did."""
    yield f"{name}: {format_value(measured)}"
    rejected = ", ".join(f"{count:,} {gate}" for gate, count in rollout.rejected().items()) or "none"
    yield f"items {rollout.asked:,}, accepted {len(rollout.items):,}; rejected: {rejected}"
    means = dict(measured.parts) if isinstance(measured, Measurement) else {}
    for taker, fates in rollout.fates().items():
        mean = means.get(f"taker {taker}")
        counts = ", ".join(f"{count:,} {fate}" for fate, count in fates.items()) or "none"
        yield f"taker {taker}: mean score {'-' if mean is None else f'{mean:.3f}'}; answers: {counts}"
    yield f"tokens generated: {rollout.tokens:,}"


def format_value(measured: Measurement | Unmeasured) -> str:
    """Return the value with its interval, or the reason why there is none."""
    if isinstance(measured, Unmeasured):
        return f"no value: {measured.reason}"
    return f"{measured.value:.4f}, 95 % interval {measured.low:.4f} to {measured.high:.4f}"


def build_figures(name: str, measured: Measurement | Unmeasured, rollout: Rollout) -> dict[str, Json]:
    """Return the same for programs. The value is null if there is none."""
    found: dict[str, Json] = {"objective": name, "value": None}
    if isinstance(measured, Measurement):
        found |= {"value": measured.value, "low": measured.low, "high": measured.high, "parts": dict(measured.parts)}
    else:
        found["reason"] = measured.reason
    return {
        **found,
        "items": rollout.asked,
        "accepted": len(rollout.items),
        "rejected": dict(rollout.rejected()),
        "answers": {taker: dict(fates) for taker, fates in rollout.fates().items()},
        "tokens": rollout.tokens,
    }


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
