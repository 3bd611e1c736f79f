"""`python -m swarm_trainer.pod work | serve`: the command of a pod's container. Its only user is the operator."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from swarm_trainer.pod import message, serve, work


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit code. `work` ends the process itself."""
    arguments = parser().parse_args(argv)
    if arguments.what == "work":
        work.main(work.Errand(arguments.order, arguments.item, arguments.cache, arguments.message))
    return serve.main(serve.Post(arguments.order, arguments.model, arguments.cache, arguments.port, arguments.message))


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m swarm_trainer.pod", description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True)
    item = commands.add_parser("work", help="carry out one work item")
    item.add_argument("--item", required=True, help="the work item as JSON")
    server = commands.add_parser("serve", help="become the vLLM server of one base")
    server.add_argument("--model", required=True, help="the base's URI, as the spec has it")
    server.add_argument("--port", type=int, default=8000)
    for command in (item, server):
        command.add_argument("--order", type=Path, required=True, help="the file with the order")
        command.add_argument("--cache", type=Path, required=True, help="a folder for what is fetched")
        command.add_argument("--message", type=Path, default=message.PLACE, help="where to say how it ended")
    return parser


if __name__ == "__main__":
    sys.exit(main())
