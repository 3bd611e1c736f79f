"""`dataswarm status`, `result` and `export`: they read a run folder, while a host runs in it or not.

If the argument of `result` is not a folder, the command of the entry point for clusters answers it.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from swarm_core.api import custom_resources, figures
from swarm_core.errors import BadInputError
from swarm_core.text import printable
from swarm_trainer.cli import store_commands
from swarm_trainer.cli.output import DONE, print_result_line
from swarm_trainer.host import lock
from swarm_trainer.host.lock import Holder
from swarm_trainer.report import usage_report
from swarm_trainer.worker.layout import Layout


def status(arguments: argparse.Namespace) -> int:
    """Print the progress of the run and the process that runs it. Raises BadInputError if the folder has no run."""
    layout = find_run(arguments.folder)
    holder = lock.holder(layout.lock)
    fields = json.loads(layout.status.read_bytes())
    if arguments.json:
        runner = None if holder is None else {"pid": holder.pid, "host": holder.host, "since": holder.since}
        print_result_line(json.dumps({**fields, "runner": runner}, indent=1))
        return DONE
    for line in status_lines(fields, holder):
        print_result_line(printable.to_single_line(line))
    return DONE


def status_lines(fields: Mapping[str, Any], holder: Holder | None) -> Iterator[str]:
    """Yield the status: what the run does, the figures that its kind declares, and the process that runs it."""
    yield f"{fields['name']}: {fields['phase']}, {fields['message']}"
    declared = custom_resources.find_resource(fields["kind"]).figures
    for figure in figures.list_present(declared, fields["figures"]):
        yield figures.format_short(figure, fields["figures"])
    yield (
        "no process runs it"
        if holder is None
        else f"process {holder.pid} on {holder.host} has run it since {holder.since}"
    )


def result(arguments: argparse.Namespace) -> int:
    """Print the result of a run. Raises BadInputError if there is none."""
    if is_on_cluster(arguments):
        return ask_cluster("result", arguments)
    layout = find_concluded_run(Path(arguments.name))
    if arguments.json:
        print_result_line(layout.result.read_text(encoding="utf-8").rstrip("\n"))
        return DONE
    print_result(layout)
    return DONE


def is_on_cluster(arguments: argparse.Namespace) -> bool:
    """Return whether the argument names a run on a cluster: NAME or KIND/NAME, and no such path exists here."""
    kind, slash, _ = arguments.name.rpartition("/")
    is_cluster_name = not slash or bool(custom_resources.find_resources_by_name(kind))
    return arguments.namespace is not None or (is_cluster_name and not Path(arguments.name).exists())


def ask_cluster(command: str, arguments: argparse.Namespace) -> int:
    """Run the command for a run on a cluster; return the exit code. Raises BadInputError if it cannot be answered."""
    matching = [entry_point for entry_point in arguments.elsewhere if entry_point.name == command]
    if not matching:
        raise BadInputError(
            f"{arguments.name} is not a folder here, and no installed package can ask a cluster;"
            " give the folder of a run"
        )
    try:
        code: int = matching[0].load()(arguments)
    except BadInputError as error:
        prefix = (
            "" if arguments.namespace is not None else f"{arguments.name} is not a folder here, and on the cluster: "
        )
        raise BadInputError(f"{prefix}{error}") from error
    return code


def print_result(layout: Layout) -> None:
    """Print the summary, the usage of the run and, last, the path of the result."""
    print_result_line(layout.summary.read_text(encoding="utf-8").rstrip("\n"))
    usage = json.loads(layout.result.read_bytes()).get("usage")
    if usage is not None:
        print_result_line(printable.to_single_line(usage_report.format_line(usage)))
    print_result_line(str(layout.result))


def export(arguments: argparse.Namespace) -> int:
    """Copy the results, or write a task of them, to a new folder. Raises BadInputError if there are none or the folder
    is not empty."""
    destination = arguments.destination.absolute()
    if destination.exists() and not destination.is_dir():
        raise BadInputError(f"{destination} is a file; give a new folder")
    if destination.is_dir() and any(destination.iterdir()):
        raise BadInputError(f"{destination} is not empty; give a new or empty folder")
    if store_commands.is_bucket_uri(arguments.folder):
        store_commands.export_from_bucket(arguments, destination)
    else:
        store_commands.write_export(find_concluded_run(arguments.folder), destination, arguments)
    print_result_line(str(destination))
    return DONE


def find_run(folder: Path) -> Layout:
    """Return the layout of the run in `folder`. Raises BadInputError if there is none."""
    layout = Layout(folder.absolute())
    if not layout.status.is_file():
        raise BadInputError(
            f"{folder} contains no run; give the folder that `dataswarm run` printed, such as runs/NAME"
        )
    return layout


def find_concluded_run(folder: Path) -> Layout:
    """Return the layout of the concluded run in `folder`. Raises BadInputError if it has no result."""
    layout = find_run(folder)
    if not layout.result.is_file():
        fields = json.loads(layout.status.read_bytes())
        raise BadInputError(
            f"{folder} has no result yet: {fields['phase']}, {fields['message']}; run it to its end first"
        )
    return layout
