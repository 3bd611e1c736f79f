"""The commands and what `--help` teaches about them."""

import argparse
from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from swarm_trainer.cli import run_commands, status_commands, store_commands

EXIT_CODES = """\
exit codes:
  0  done
  1  the run failed or was stopped; run it again and it goes on
  2  refused: the input cannot work (one line on stderr says what, why and the way out)
"""

COMMAND_ENTRY_POINTS = "dataswarm.commands"
"""The entry points of commands that other packages bring: each makes a parser its command's."""

CLUSTER_ENTRY_POINTS = "dataswarm.elsewhere"
"""The entry points of what answers one of our commands, by its name, for a run that is not on this machine: each takes
the arguments, with `name` and `namespace`, and gives the exit code."""

ABOUT = """\
Find generators of synthetic data: a swarm of LoRA adapters of one base model, moved by
particle swarm optimisation and scored by how well their data does its job on test takers.
In an AdversarialRun the takers are a second swarm, and each moves against the other.
"""

EXAMPLES = f"""\
examples:
  dataswarm validate examples/arithmetic/swarmrun.yaml   what would be run, and what it costs
  dataswarm run examples/arithmetic/swarmrun.yaml        search; Ctrl-C at any time, run again to go on
  dataswarm run examples/adversarial/run.yaml            generators against takers, likewise
  dataswarm status runs/arithmetic                       where it stands, from another terminal
  dataswarm result runs/arithmetic                       what came out
  dataswarm result arithmetic-difficulty                 what came out of a run on a cluster, from its status
  dataswarm export runs/arithmetic best                  the best adapter, its data set and the report
  dataswarm verify runs/arithmetic                       every digest again, and the search from its rollouts

{EXIT_CODES}"""

RUN_HELP = f"""\
Run a SwarmRun or an AdversarialRun to its end in a folder of this machine. The folder keeps everything: stopped by
Ctrl-C, kill -9 or a power cut, the same command goes on where it was and ends in the same result. One run per folder,
one process per run.

The folder is --folder, else spec.storage.local.path (relative to FILE), else runs/NAME here, NAME being metadata.name.
In a terminal a live view is shown, elsewhere one line per event; the last line is the path of result.json.

{EXIT_CODES}"""

RESULT_HELP = f"""\
Show what a run found. RUN is a folder of this machine; a name that is none is asked of the cluster of your kubeconfig,
and so is every name with --namespace. Of a run on a cluster the status tells all that is shown: no key of a bucket is
needed.

{EXIT_CODES}"""

VERIFY_HELP = f"""\
Walk a run from its last commit to its first: every commit, rollout and blob must have the digest that names it, every
measurement must come out of its rollouts, and the swarm, moved anew, must come out as committed. Loads no model.

{EXIT_CODES}"""

GC_HELP = f"""\
Find what nothing in a run leads to: blobs of attempts that were lost, leftovers of probes, uploads that were never
finished. Receipts and commits are never touched, nor what is young, nor any other run's objects. Of a run that has
concluded, --keep K gives up rollouts too, but those of the last K iterations, of the best adapter and of iterations
that were pinned (dataswarm pin). Says what it would delete; --delete does it.

{EXIT_CODES}"""


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments, with the function to call as `command`. Exits with code 2 for a wrong usage, 0 for --help."""
    return build_parser().parse_args(argv)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dataswarm", description=ABOUT, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    validate = add_command(commands, "validate", "check a run's file and say what it would do", run_commands.validate)
    validate.add_argument("file", type=Path, metavar="FILE", help="SwarmRun or AdversarialRun as YAML or JSON")

    run = add_command(commands, "run", "run a file, or go on with it", run_commands.run, RUN_HELP)
    run.add_argument("file", type=Path, metavar="FILE", help="SwarmRun or AdversarialRun as YAML or JSON")
    run.add_argument("--folder", type=Path, metavar="DIR", help="the run's folder")
    run.add_argument("--json", action="store_true", help="print one JSON object per event, and nothing else")

    status = add_command(commands, "status", "say where a run stands", status_commands.status)
    result = add_command(commands, "result", "show what a run found", status_commands.result, RESULT_HELP)
    export = add_command(
        commands, "export", "copy best adapter, data set and report out of a run", status_commands.export
    )
    status.add_argument("folder", type=Path, metavar="FOLDER", help="a run's folder, such as runs/NAME")
    result.add_argument("name", metavar="RUN", help="a run's folder, such as runs/NAME, or a run on a cluster")
    result.add_argument("--namespace", "-n", metavar="NS", help="ask the cluster, in this namespace")
    result.set_defaults(elsewhere=entry_points(group=CLUSTER_ENTRY_POINTS))
    export.add_argument(
        "folder", type=parse_run_location, metavar="URI", help="a run's folder, or s3://BUCKET/PREFIX/NAME"
    )
    status.add_argument("--json", action="store_true", help="print status.json, and who runs it")
    result.add_argument("--json", action="store_true", help="print result.json; of a run on a cluster, its status")
    export.add_argument("destination", type=Path, metavar="DEST", help="a new or an empty folder")
    add_bucket_options(export)
    add_store_commands(commands)
    add_plugin_commands(commands, entry_points(group=COMMAND_ENTRY_POINTS))
    return parser


def add_plugin_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", found: Iterable[EntryPoint]
) -> None:
    """The commands that other packages bring: this one imports none of them before it is asked to."""
    for command in sorted(found, key=lambda entry_point: entry_point.name):
        make_parser = command.load()
        make_parser(commands.add_parser(command.name, help=(make_parser.__doc__ or "").strip().partition("\n")[0]))


def add_store_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands that work on a run's store, wherever it is."""
    verify = add_command(
        commands, "verify", "check every digest of a run and replay its search", store_commands.verify, VERIFY_HELP
    )
    gc = add_command(commands, "gc", "list, or delete, what a run's store holds in vain", store_commands.gc, GC_HELP)
    pin = add_command(commands, "pin", "keep an iteration's rollouts, whatever gc --keep gives up", store_commands.pin)
    for command in (verify, gc, pin):
        command.add_argument("folder", metavar="URI", help="a run's folder, or s3://BUCKET/PREFIX/NAME")
        add_bucket_options(command)
    gc.add_argument("--delete", action="store_true", help="delete; without it nothing is changed")
    pin.add_argument("iteration", type=parse_natural, metavar="N", help="the iteration")
    pin.add_argument("--remove", action="store_true", help="no longer keep it")
    gc.add_argument(
        "--keep",
        type=parse_natural,
        metavar="K",
        help="of a concluded run, give up rollouts but the best's and the last K's",
    )
    gc.add_argument(
        "--grace-hours", type=float, default=24.0, metavar="H", help="leave what is younger (default: %(default)g)"
    )


def parse_natural(text: str) -> int:
    """A whole number from 0. Raises ValueError, which argparse tells."""
    if not text.isdecimal():
        raise ValueError(text)
    return int(text)


def add_bucket_options(command: argparse.ArgumentParser) -> None:
    """How a bucket is reached, for commands that take its address. Keys come from the environment or AWS files."""
    command.add_argument("--endpoint", metavar="URL", help="address of the S3 store, if not Amazon's")
    command.add_argument("--region", metavar="NAME", help="region of the bucket")


def parse_run_location(text: str) -> Path | str:
    """A folder, or the address of a run in a bucket as it is."""
    return text if store_commands.is_bucket_uri(text) else Path(text)


def add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    summary: str,
    command: run_commands.Command,
    description: str | None = None,
) -> argparse.ArgumentParser:
    """A subcommand that calls `command`."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=description or f"{summary[0].upper()}{summary[1:]}.\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=command)
    return parser
