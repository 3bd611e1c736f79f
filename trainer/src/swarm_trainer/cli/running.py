"""`dataswarm validate` and `dataswarm run`."""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from swarm_core.api.execution import LocalStorage
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import FailureReason
from swarm_trainer.cli import looking, outlook, reading
from swarm_trainer.cli.reading import Reading
from swarm_trainer.cli.say import DONE, refuse, say, say_failed
from swarm_trainer.host import run as host
from swarm_trainer.host.loop import Interrupted, SystemClock
from swarm_trainer.verbs import places
from swarm_trainer.view import show
from swarm_trainer.worker.layout import Layout

Command = Callable[[argparse.Namespace], int]

WORKER = (sys.executable, "-P", "-m", "swarm_trainer", "worker")
"""-P: what happens to lie in the current folder is not imported."""


def validate(arguments: argparse.Namespace) -> int:
    """Say what the file would do."""
    found = reading.read(arguments.file)
    host.outlined(found.order.resolved)
    for line in outlook.lines(found, default_folder(found)):
        say(line)
    return DONE


def run(arguments: argparse.Namespace) -> int:
    """Run the file, or go on with it."""
    found = reading.read(arguments.file)
    layout = Layout((arguments.folder or default_folder(found)).absolute())
    job = host.Job(found.name, found.order, layout, arguments.worker)
    try:
        with show.watching(Console(), time.time, as_json=arguments.json) as watch:
            end = host.run(job, SystemClock(), watch)
    except Interrupted:
        again = shlex.join(["dataswarm", "run", str(arguments.file), "--folder", str(layout.root)])
        return say_failed(f"stopped; nothing is lost, go on with: {again}")
    return ended(end, layout, as_json=arguments.json)


def ended(end: EngineState, layout: Layout, *, as_json: bool) -> int:
    """Say how the run ended; the exit code."""
    if end.failure is None:
        finish(layout, as_json=as_json)
        return DONE
    failure = end.failure
    if as_json:
        fields = {"phase": failure.phase, "key": failure.key, "reason": failure.reason, "message": failure.message}
        say(json.dumps({"event": "failed", "at": round(time.time(), 3), **fields}))
    if failure.reason is FailureReason.BAD_INPUT:
        return refuse(failure.message)
    return say_failed(f"{failure.phase}: {failure.message}; see {layout.log}, then run again to try again")


def finish(layout: Layout, *, as_json: bool) -> None:
    """Show the summary and, last, where the result is."""
    if as_json:
        say(json.dumps({"event": "succeeded", "at": round(time.time(), 3), "result": str(layout.result)}))
        return
    looking.say_result(layout)


def default_folder(found: Reading) -> Path:
    """Where a run goes that is not told: the spec's place, from the file; else runs/NAME, from here."""
    storage = found.order.resolved.storage
    if isinstance(storage, LocalStorage):
        return places.place(storage.path, found.order.base_folder)
    return Path("runs") / found.name
