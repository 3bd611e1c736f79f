"""The run as JSON, one object per line, for programs: `event` names the kind, the rest is the event's fields."""

import json
from dataclasses import asdict
from typing import assert_never

from swarm_trainer.host.events import Began, Entered, Event, Finished, Noticed, Started, Worked
from swarm_trainer.report import account


def line(event: Event, at: float) -> str:
    """The object of `event`, which happened `at` seconds after 1970-01-01 UTC."""
    return json.dumps({"event": name(event), "at": round(at, 3), **fields(event)}, allow_nan=False)


def name(event: Event) -> str:
    return type(event).__name__.lower()


def fields(event: Event) -> dict[str, object]:
    match event:
        case Began():
            return {**asdict(event), "folder": str(event.folder)}
        case Worked(progress):
            effort = account.fields(progress.effort)
            return {**asdict(progress), "fitness": dict(progress.fitness), "effort": effort}
        case Finished(receipt):
            return {"key": receipt.key, "outputs": dict(receipt.outputs), "scalars": dict(receipt.scalars)}
        case Entered() | Started() | Noticed():
            return asdict(event)
        case _:
            assert_never(event)
