"""The parser of the command line, and the text of `--help`."""

import argparse
import math
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points, version
from pathlib import Path

from swarm_trainer.cli.lazy_command import LazyCommand

EXIT_CODES = """\
exit codes:
  0  done
  1  the run failed or was stopped; run the command again to resume it
  2  refused: the input is wrong (stderr names each problem and how to fix it)
"""

COMMAND_ENTRY_POINTS = "dataswarm.commands"
"""The entry point group for commands of other packages. Each entry point sets up the parser of its command."""

RUN, STATUS, STORE = (f"swarm_trainer.cli.{name}_commands" for name in ("run", "status", "store"))
CALIBRATE = "swarm_trainer.cli.calibrate_command"
SCORE = "swarm_trainer.cli.score_command"
"""The modules of the commands."""
S3_SCHEME = "s3://"
TASK_FORMATS = ("lm-eval", "inspect")
"""The values of `report.evaluation_tasks.TaskFormat`, which is not imported before a command needs it."""

CLUSTER_ENTRY_POINTS = "dataswarm.elsewhere"
"""The entry point group for commands on runs in a cluster. The name of an entry point is the name of the command. Each
takes the parsed arguments, with `name` and `namespace`, and returns the exit code."""

ABOUT = """\
Find generators of synthetic data. A swarm of LoRA adapters of one base model moves by particle
swarm optimization. Its score is how well the generated data meets an objective on test takers.
In an AdversarialRun the takers are a second swarm, and each swarm moves against the other.
"""

EXAMPLES = f"""\
examples:
  dataswarm validate examples/arithmetic/swarmrun.yaml   check a file; show what it would run and its cost
  dataswarm run examples/arithmetic/swarmrun.yaml        search; stop with Ctrl-C, run again to resume
  dataswarm run examples/adversarial/run.yaml            search with generators against takers
  dataswarm status runs/arithmetic                       show the progress, from another terminal
  dataswarm result runs/arithmetic                       show the result
  dataswarm result arithmetic-difficulty                 show the result of a run on a cluster
  dataswarm export runs/arithmetic best                  copy the best adapter, its data set and the report
  dataswarm export runs/arithmetic task --format inspect write its data set as a task for Inspect
  dataswarm verify runs/arithmetic                       check every digest and replay the search

{EXIT_CODES}"""

RUN_HELP = f"""\
Run a SwarmRun or an AdversarialRun to its end in a folder on this machine. The folder keeps everything: after Ctrl-C,
kill -9 or a power cut, the same command resumes the run and reaches the same result. A folder holds one run, and one
process runs it.

The folder is --folder, or else spec.storage.local.path (relative to FILE), or else runs/NAME in the current folder,
where NAME is metadata.name. A terminal shows a live view. Other outputs get one line per event. The last line is the
path of result.json.

{EXIT_CODES}"""

RESULT_HELP = f"""\
Show the result of a run. RUN is a folder on this machine. If there is no such folder, or with --namespace, RUN is the
name of a run in the cluster of your kubeconfig. For a run on a cluster, the result comes from its status, so you need
no credentials of its bucket.

{EXIT_CODES}"""

CALIBRATE_HELP = f"""\
Compare the judge of a run with gold answers: accuracy, Cohen's kappa, bias, both by length of the answer, and how often
a wrong answer gets full marks, each with a 95% interval. A score of at least 0.5 calls an answer right.

GOLD has one record per answer, with text, answer and score (0 to 1, or true or false), and perhaps reference and
choices. The command reads no other input of the run. With --folder it keeps the replies of the judge's models there, so
that the next call asks for none of them again.

{EXIT_CODES}"""

SCORE_HELP = f"""\
Measure a list of items as a run measures the items of a generator: the gates accept items, the takers of the run file
answer them, its judge scores the answers, and its objective gives the value, with a 95% interval. The command trains
nothing. The gates Seed and HeldOut accept everything, because they compare items with seed data.

ITEMS has one record per item, in any format of seed data. With --folder it keeps the replies of endpoints there, so
that the next call asks for none of them again.

{EXIT_CODES}"""

VERIFY_HELP = f"""\
Check a run from its last commit to its first. Every commit, rollout and blob must match its digest. Every measurement
must follow from its rollouts. The swarm, when replayed, must match each commit. The command loads no model.

{EXIT_CODES}"""

GC_HELP = f"""\
List objects in a run's store that nothing refers to: blobs of lost attempts, leftovers of store checks and unfinished
uploads. The command never touches receipts, commits, recent objects or the objects of other runs. With --keep K, it
also lists the rollouts of a concluded run, except those of the last K iterations, of the best adapter and of pinned
iterations (dataswarm pin). Nothing is deleted without --delete.

{EXIT_CODES}"""


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the arguments; `command` is the function to call. Exits with code 2 for wrong usage, 0 for --help."""
    return build_parser().parse_args(argv)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands, including those of other packages."""
    parser = argparse.ArgumentParser(
        prog="dataswarm", description=ABOUT, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('dataswarm')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    add_validate_command(commands)
    add_calibrate_command(commands)
    add_score_command(commands)
    run = add_command(commands, "run", "start or resume a run", LazyCommand(RUN, "run"), RUN_HELP)
    run.add_argument("file", type=Path, metavar="FILE", help="SwarmRun or AdversarialRun as YAML or JSON")
    run.add_argument("--folder", type=Path, metavar="DIR", help="folder of the run")
    run.add_argument("--json", action="store_true", help="print only JSON, one object per event")

    status = add_command(commands, "status", "show the progress of a run", LazyCommand(STATUS, "status"))
    result = add_command(commands, "result", "show the result of a run", LazyCommand(STATUS, "result"), RESULT_HELP)
    export = add_command(
        commands, "export", "copy the best adapter, data set and report of a run", LazyCommand(STATUS, "export")
    )
    status.add_argument("folder", type=Path, metavar="FOLDER", help="folder of the run, such as runs/NAME")
    result.add_argument(
        "name", metavar="RUN", help="folder of the run, such as runs/NAME, or name of a run on a cluster"
    )
    result.add_argument("--namespace", "-n", metavar="NS", help="look for RUN in this namespace of the cluster")
    result.set_defaults(elsewhere=entry_points(group=CLUSTER_ENTRY_POINTS))
    export.add_argument(
        "folder", type=parse_run_location, metavar="URI", help="folder of the run, or s3://BUCKET/PREFIX/NAME"
    )
    status.add_argument("--json", action="store_true", help="print status.json and the process that runs it, as JSON")
    result.add_argument("--json", action="store_true", help="print result.json, or the status of a run on a cluster")
    export.add_argument("destination", type=Path, metavar="DEST", help="a new or empty folder")
    export.add_argument(
        "--format",
        choices=TASK_FORMATS,
        help="write only the data set, as a task that lm-eval or Inspect runs; its items need references",
    )
    add_bucket_options(export)
    add_store_commands(commands)
    add_plugin_commands(commands, entry_points(group=COMMAND_ENTRY_POINTS))
    return parser


def add_validate_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command that checks a run file."""
    validate = add_command(
        commands, "validate", "check a run file and show what it would do", LazyCommand(RUN, "validate")
    )
    validate.add_argument("file", type=Path, metavar="FILE", help="SwarmRun or AdversarialRun as YAML or JSON")
    validate.add_argument(
        "--tokens-per-second",
        type=parse_rate,
        metavar="RATE",
        help="tokens per second that an accelerator of yours writes, for the estimate of hours",
    )


def add_calibrate_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command that compares a judge with gold answers."""
    calibrate = add_command(
        commands,
        "calibrate",
        "compare the judge of a run file with gold answers",
        LazyCommand(CALIBRATE, "calibrate"),
        CALIBRATE_HELP,
    )
    calibrate.add_argument("file", type=Path, metavar="FILE", help="run file whose judge is compared")
    calibrate.add_argument("gold", type=Path, metavar="GOLD", help="records with text, answer and score")
    calibrate.add_argument("--folder", type=Path, metavar="DIR", help="folder that keeps the replies of models")
    calibrate.add_argument("--json", action="store_true", help="print the figures as JSON")


def add_score_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command that measures a list of items."""
    score = add_command(
        commands,
        "score",
        "measure a list of items with the takers of a run file",
        LazyCommand(SCORE, "score"),
        SCORE_HELP,
    )
    score.add_argument("file", type=Path, metavar="FILE", help="run file with takers, judge, gates and objective")
    score.add_argument("items", type=Path, metavar="ITEMS", help="the items, as JSON Lines, JSON, CSV, TSV or Parquet")
    score.add_argument("--objective", metavar="TYPE", help="measure this objective instead of that of the run file")
    score.add_argument(
        "--takers", type=lambda text: text.split(","), metavar="A,B", help="ask only these takers of the run file"
    )
    score.add_argument("--answers", type=Path, metavar="OUT", help="write every item with its answers and scores")
    score.add_argument("--folder", type=Path, metavar="DIR", help="folder that keeps the replies of endpoints")
    score.add_argument("--json", action="store_true", help="print the figures as JSON")


def add_plugin_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", found: Iterable[EntryPoint]
) -> None:
    """Add the commands of other packages. They are found by entry point, so this package imports none of them."""
    for command in sorted(found, key=lambda entry_point: entry_point.name):
        make_parser = command.load()
        summary = (make_parser.__doc__ or "").strip().partition("\n")[0].rstrip(".")
        make_parser(commands.add_parser(command.name, help=f"{summary[:1].lower()}{summary[1:]}"))


def add_store_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands that work on the store of a run, in a folder or a bucket."""
    verify = add_command(
        commands,
        "verify",
        "check every digest of a run and replay its search",
        LazyCommand(STORE, "verify"),
        VERIFY_HELP,
    )
    gc = add_command(
        commands, "gc", "list or delete unused objects in a run's store", LazyCommand(STORE, "gc"), GC_HELP
    )
    pin = add_command(commands, "pin", "protect the rollouts of an iteration from gc --keep", LazyCommand(STORE, "pin"))
    for command in (verify, gc, pin):
        command.add_argument("folder", metavar="URI", help="folder of the run, or s3://BUCKET/PREFIX/NAME")
        add_bucket_options(command)
    gc.add_argument("--delete", action="store_true", help="delete the listed objects")
    pin.add_argument("iteration", type=parse_natural, metavar="N", help="number of the iteration")
    pin.add_argument("--remove", action="store_true", help="remove the pin")
    gc.add_argument(
        "--keep",
        type=parse_natural,
        metavar="K",
        help="for a concluded run, keep only the rollouts of the last K iterations, the best adapter and pins",
    )
    gc.add_argument(
        "--grace-hours",
        type=float,
        default=24.0,
        metavar="H",
        help="skip objects younger than H hours (default: %(default)g)",
    )


def parse_rate(text: str) -> float:
    """Parse a rate per second. Raises ArgumentTypeError."""
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not (0 < rate < math.inf):
        raise argparse.ArgumentTypeError(f"{text!r} is no rate; give tokens per second, above 0, such as 2500")
    return rate


def parse_natural(text: str) -> int:
    """Parse an integer of at least 0. Raises ValueError, which argparse reports."""
    if not text.isdecimal():
        raise ValueError(text)
    return int(text)


def add_bucket_options(command: argparse.ArgumentParser) -> None:
    """Add the options for a bucket. Credentials come from the environment or the AWS configuration files."""
    command.add_argument("--endpoint", metavar="URL", help="URL of the S3 server, if it is not Amazon's")
    command.add_argument("--region", metavar="NAME", help="region of the bucket")


def parse_run_location(text: str) -> Path | str:
    """Return the address of a run in a bucket unchanged, and anything else as a path."""
    return text if text.startswith(S3_SCHEME) else Path(text)


def add_command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    summary: str,
    command: Callable[[argparse.Namespace], int],
    description: str | None = None,
) -> argparse.ArgumentParser:
    """Add a subcommand that calls `command`; return its parser."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=description or f"{summary[0].upper()}{summary[1:]}.\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=command)
    return parser
