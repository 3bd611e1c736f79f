"""`dataswarm status`, `result` and `export`: they read a run folder, whether a host lives in it or not."""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from swarm_core.errors import BadInputError
from swarm_core.text import printable
from swarm_trainer.cli import storing
from swarm_trainer.cli.say import DONE, say
from swarm_trainer.host import lock, results
from swarm_trainer.host.lock import Holder
from swarm_trainer.report import account
from swarm_trainer.view import words
from swarm_trainer.worker.layout import Layout


def status(arguments: argparse.Namespace) -> int:
    """Say where the run stands and who runs it."""
    layout = opened(arguments.folder)
    holder = lock.holder(layout.lock)
    fields = json.loads(layout.status.read_bytes())
    if arguments.json:
        runner = None if holder is None else {"pid": holder.pid, "host": holder.host, "since": holder.since}
        say(json.dumps({**fields, "runner": runner}, indent=1))
        return DONE
    for line in status_lines(fields, holder):
        say(printable.line(line))
    return DONE


def status_lines(fields: Mapping[str, object], holder: Holder | None) -> Iterator[str]:
    """The status, a line per subject that there is something to say of."""
    yield f"{fields['name']}: {fields['phase']}, {fields['message']}"
    yield f"iteration {fields['iteration']}/{fields['iterations']}"
    best, initial = number(fields["best"]), number(fields["initial"])
    if best is not None:
        yield f"best {words.best(best, initial)}"
    taker, held_out = number(fields.get("taker")), number(fields.get("heldOut"))
    if taker is not None:
        yield f"best taker {words.value(taker)} on the pool, {words.value(held_out)} on held-out items"
    yield (
        "no process runs it"
        if holder is None
        else f"process {holder.pid} on {holder.host} runs it since {holder.since}"
    )


def number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def result(arguments: argparse.Namespace) -> int:
    """Show what came out."""
    layout = concluded(arguments.folder)
    if arguments.json:
        say(layout.result.read_text(encoding="utf-8").rstrip("\n"))
        return DONE
    say_result(layout)
    return DONE


def say_result(layout: Layout) -> None:
    """Show the summary, what the run took, and, last, where the result is."""
    say(layout.summary.read_text(encoding="utf-8").rstrip("\n"))
    effort = json.loads(layout.result.read_bytes()).get("effort")
    if effort is not None:
        say(printable.line(account.line(effort)))
    say(str(layout.result))


def export(arguments: argparse.Namespace) -> int:
    """Copy what came out."""
    destination = arguments.destination.absolute()
    if destination.exists() and not destination.is_dir():
        raise BadInputError(f"{destination} is a file; give a new folder")
    if destination.is_dir() and any(destination.iterdir()):
        raise BadInputError(f"{destination} is not empty; give a new or an empty folder")
    if storing.remote(arguments.folder):
        storing.export(arguments, destination)
    else:
        results.export(concluded(arguments.folder), destination)
    say(str(destination))
    return DONE


def opened(folder: Path) -> Layout:
    """The run in `folder`. Raises BadInputError if there is none."""
    layout = Layout(folder.absolute())
    if not layout.status.is_file():
        raise BadInputError(f"{folder} holds no run; give the folder that `dataswarm run` named, such as runs/NAME")
    return layout


def concluded(folder: Path) -> Layout:
    """The concluded run in `folder`. Raises BadInputError if it has no result."""
    layout = opened(folder)
    if not layout.result.is_file():
        said = json.loads(layout.status.read_bytes())
        raise BadInputError(f"{folder} has no result yet: {said['phase']}, {said['message']}; run it to its end")
    return layout
