"""The output of `dataswarm run --json`: one JSON object per line, with the kind of event in `event`."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import assert_never

from swarm_trainer.host.run_events import (
    Event,
    ItemFinished,
    ItemProgressed,
    ItemStarted,
    Notice,
    PhaseEntered,
    RunStarted,
)
from swarm_trainer.report import usage_report

EVENT_NAMES: Mapping[type[Event], str] = MappingProxyType(
    {
        RunStarted: "began",
        PhaseEntered: "entered",
        ItemStarted: "started",
        ItemProgressed: "worked",
        ItemFinished: "finished",
        Notice: "noticed",
    }
)
"""The names of the events in the output. They are part of the interface of `dataswarm run --json`."""


def format_event(event: Event, at: float) -> str:
    """Return the line for `event`. `at`: its time in seconds since 1970-01-01 UTC."""
    return json.dumps({"event": event_name(event), "at": round(at, 3), **event_fields(event)}, allow_nan=False)


def event_name(event: Event) -> str:
    """The value of `event` for this kind of event, from `EVENT_NAMES`."""
    return EVENT_NAMES[type(event)]


def event_fields(event: Event) -> dict[str, object]:
    """Return the fields of the event as JSON values."""
    match event:
        case RunStarted():
            return {**asdict(event), "folder": str(event.folder)}
        case ItemProgressed(progress):
            usage = usage_report.to_json(progress.usage)
            return {**asdict(progress), "fitness": dict(progress.fitness), "usage": usage}
        case ItemFinished(receipt):
            return {"key": receipt.key, "outputs": dict(receipt.outputs), "scalars": dict(receipt.scalars)}
        case PhaseEntered() | ItemStarted() | Notice():
            return asdict(event)
        case _:
            assert_never(event)
