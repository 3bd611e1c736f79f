"""Parses the command of a pod's container and runs its task: work, serve or purge."""

import argparse
import contextlib
from collections.abc import Sequence
from pathlib import Path

from swarm_core.errors import BadInputError
from swarm_trainer import network
from swarm_trainer.pod import purge, serve, termination_message, work


def main(argv: Sequence[str] | None = None) -> int:
    """Run the task of the command line; return the exit code. `work` and `purge` end the process themselves."""
    arguments = build_parser().parse_args(argv)
    with contextlib.suppress(BadInputError):  # the task itself refuses what this cannot read
        network.export_authorities()
    if arguments.task == "work":
        work.main(work.WorkTask(arguments.order, arguments.item, arguments.cache, arguments.message))
    if arguments.task == "purge":
        purge.main(purge.PurgeTask(arguments.place, arguments.message))
    return serve.main(
        serve.ServeTask(arguments.order, arguments.model, arguments.cache, arguments.port, arguments.message)
    )


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of a container's arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m swarm_trainer.pod", description="The command of a pod's container. Only the operator uses it."
    )
    commands = parser.add_subparsers(dest="task", required=True)
    work_parser = commands.add_parser("work", help="run one work item")
    work_parser.add_argument("--item", required=True, help="the work item as JSON")
    serve_parser = commands.add_parser("serve", help="start the vLLM server of one base model")
    serve_parser.add_argument("--model", required=True, help="the URI of the base model, as in the spec")
    serve_parser.add_argument("--port", type=int, default=8000)
    purge_parser = commands.add_parser("purge", help="delete everything that a run stored in its bucket")
    purge_parser.add_argument("--place", required=True, help="the settings of the bucket as JSON")
    for command in (work_parser, serve_parser):
        command.add_argument("--order", type=Path, required=True, help="the file with the resolved spec")
        command.add_argument("--cache", type=Path, required=True, help="a folder for fetched files")
    for command in (work_parser, serve_parser, purge_parser):
        file, text = termination_message.DEFAULT_PATH, "the file for the termination message"
        command.add_argument("--message", type=Path, default=file, help=text)
    return parser
