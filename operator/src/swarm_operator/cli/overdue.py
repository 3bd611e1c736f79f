"""Finds out whether the operator is behind: it should have acted on a run some time ago and has not.

The plan of the reconciler for the objects as they are, made for a moment in the past, is what the operator should have
done by now. If the plan has steps and nothing of the run has changed since then, no operator acts on the run.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from swarm_operator.common import timestamps
from swarm_operator.common.reconcile_plan import Create, Delete, Object, Patch, Plan, Step

OVERDUE_SECONDS = 60.0
"""Seconds without any change after which an operator that should have acted is reported. It acts within seconds."""
ADVICE = "check that an operator runs, watches this namespace and has the rights of its chart, and read its log"


def explain(run: Object, children: Iterable[Object], plan: Plan, now: float) -> str:
    """What the operator has not done. Empty if it is not behind.

    `plan` is the plan for the moment `OVERDUE_SECONDS` before `now`, which is in seconds since 1970-01-01 UTC.
    """
    last_change = max(_list_times([run["metadata"], run.get("status"), *children], now), default=0.0)
    if now - last_change < OVERDUE_SECONDS:
        return ""
    generation, observed = run["metadata"].get("generation"), (run.get("status") or {}).get("observedGeneration")
    if observed is None or observed != generation:
        missing = f"it has not seen generation {generation} of the spec"
    elif plan.steps:
        missing = f"it has not done its steps up to: {_describe(plan.steps[-1])}"
    else:
        return ""
    return f"OperatorNotResponding: {missing}, and nothing changed for {now - last_change:.0f} s; {ADVICE}"


def _describe(step: Step) -> str:
    match step:
        case Create():
            return f"create {step.manifest['kind']} {step.manifest['metadata']['name']}"
        case Delete() | Patch():
            return f"{type(step).__name__.lower()} {step.kind} {step.name}"
        case _:
            return "set the finalizers"


def _list_times(value: Any, now: float) -> Iterator[float]:
    """Every time in `value`, a JSON value, that is not in the future."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _list_times(part, now)
    elif isinstance(value, str) and "T" in value:  # a resourceVersion would pass for a date
        moment = timestamps.parse(value)
        if moment is not None and moment <= now:
            yield moment
