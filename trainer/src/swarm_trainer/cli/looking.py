"""`dataswarm status`, `result` and `export`: they read a run folder, whether a host lives in it or not.

`result` of a name that is no folder is answered by who asks clusters.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from swarm_core.api import resources
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
    if on_cluster(arguments):
        return asked("result", arguments)
    layout = concluded(Path(arguments.name))
    if arguments.json:
        say(layout.result.read_text(encoding="utf-8").rstrip("\n"))
        return DONE
    say_result(layout)
    return DONE


def on_cluster(arguments: argparse.Namespace) -> bool:
    """Whether a cluster is meant: nothing here has that name, and it is a NAME or KIND/NAME of there."""
    kind, slash, _ = arguments.name.rpartition("/")
    there = not slash or bool(resources.named(kind))
    return arguments.namespace is not None or (there and not Path(arguments.name).exists())


def asked(command: str, arguments: argparse.Namespace) -> int:
    """What the cluster answers; the exit code. Raises BadInputError."""
    answers = [one for one in arguments.elsewhere if one.name == command]
    if not answers:
        raise BadInputError(
            f"{arguments.name} is no folder here, nothing installed asks a cluster; give a run's folder"
        )
    try:
        code: int = answers[0].load()(arguments)
    except BadInputError as error:
        here = "" if arguments.namespace is not None else f"{arguments.name} is no folder here; the cluster says: "
        raise BadInputError(f"{here}{error}") from error
    return code


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
