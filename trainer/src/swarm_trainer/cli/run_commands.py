"""`dataswarm validate` and `dataswarm run`."""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from swarm_core.api import resolution
from swarm_core.api.execution import LocalStorage
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import FailureReason
from swarm_trainer.cli import run_file, status_commands
from swarm_trainer.cli.output import DONE, print_failure, print_refusals, print_result_line
from swarm_trainer.cli.run_file import RunFile
from swarm_trainer.evaluation import program
from swarm_trainer.host import run as host
from swarm_trainer.host.loop import Interrupted, SystemClock
from swarm_trainer.runtime import inputs
from swarm_trainer.view import display
from swarm_trainer.worker.layout import Layout

Command = Callable[[argparse.Namespace], int]

WORKER_COMMAND = (sys.executable, "-P", "-m", "swarm_trainer", "worker")
"""-P: what happens to lie in the current folder is not imported."""


def validate(arguments: argparse.Namespace) -> int:
    """Say what the file would do."""
    found = run_file.load(arguments.file)
    host.build_outline(found.order.resolved)
    for line in describe(found, default_folder(found)):
        print_result_line(line)
    return DONE


def describe(found: RunFile, folder: Path) -> Iterator[str]:
    """What the file would do, a line per subject."""
    resolved = found.order.resolved
    yield f"{found.name}: valid"
    about = program.describe(resolved, found.items)
    digest = resolution.spec_digest(resolved)
    yield from (f"  {subject:<11} {line}" for subject, line in (*about, ("digest", digest), ("folder", folder)))


def run(arguments: argparse.Namespace) -> int:
    """Run the file, or go on with it."""
    found = run_file.load(arguments.file)
    layout = Layout((arguments.folder or default_folder(found)).absolute())
    job = host.RunJob(found.name, found.order, layout, arguments.worker)
    try:
        with display.open_watcher(Console(), time.time, as_json=arguments.json) as watch:
            end = host.run(job, SystemClock(), watch)
    except Interrupted:
        again = shlex.join(["dataswarm", "run", str(arguments.file), "--folder", str(layout.root)])
        return print_failure(f"stopped; nothing is lost, go on with: {again}")
    return report_end(end, layout, as_json=arguments.json)


def report_end(end: EngineState, layout: Layout, *, as_json: bool) -> int:
    """Say how the run ended; the exit code."""
    if end.failure is None:
        report_success(layout, as_json=as_json)
        return DONE
    failure = end.failure
    if as_json:
        fields = {"phase": failure.phase, "key": failure.key, "reason": failure.reason, "message": failure.message}
        print_result_line(json.dumps({"event": "failed", "at": round(time.time(), 3), **fields}))
    if failure.reason is FailureReason.BAD_INPUT:
        return print_refusals(failure.message)
    return print_failure(f"{failure.phase}: {failure.message}; see {layout.log}, then run again to try again")


def report_success(layout: Layout, *, as_json: bool) -> None:
    """Show the summary and, last, where the result is."""
    if as_json:
        print_result_line(json.dumps({"event": "succeeded", "at": round(time.time(), 3), "result": str(layout.result)}))
        return
    status_commands.print_result(layout)


def default_folder(found: RunFile) -> Path:
    """Where a run goes that is not told: the spec's place, from the file; else runs/NAME, from here."""
    storage = found.order.resolved.storage
    if isinstance(storage, LocalStorage):
        return inputs.resolve_path(storage.path, found.order.base_folder)
    return Path("runs") / found.name
