"""The run as JSON, one object per line, for programs: `event` names the kind, the rest is the event's fields."""

import json
from dataclasses import asdict
from typing import assert_never

from swarm_trainer.host.run_events import Began, Entered, Event, Finished, Noticed, Started, Worked
from swarm_trainer.report import usage_report


def format_event(event: Event, at: float) -> str:
    """The object of `event`, which happened `at` seconds after 1970-01-01 UTC."""
    return json.dumps({"event": event_name(event), "at": round(at, 3), **event_fields(event)}, allow_nan=False)


def event_name(event: Event) -> str:
    return type(event).__name__.lower()


def event_fields(event: Event) -> dict[str, object]:
    match event:
        case Began():
            return {**asdict(event), "folder": str(event.folder)}
        case Worked(progress):
            effort = usage_report.to_json(progress.effort)
            return {**asdict(progress), "fitness": dict(progress.fitness), "effort": effort}
        case Finished(receipt):
            return {"key": receipt.key, "outputs": dict(receipt.outputs), "scalars": dict(receipt.scalars)}
        case Entered() | Started() | Noticed():
            return asdict(event)
        case _:
            assert_never(event)
