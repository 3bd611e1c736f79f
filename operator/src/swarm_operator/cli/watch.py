"""`dataswarm watch NAME` follows a run on a cluster to its end and prints a line after each change."""

import argparse
import asyncio
import sys

from swarm_core.api import figures
from swarm_operator.api_client.cluster import Cluster
from swarm_operator.cli import cluster_query
from swarm_operator.cli.cluster_query import printable_line
from swarm_operator.common import storage_location
from swarm_operator.common.reconcile_plan import Object

POLL_SECONDS = 2.0
SUCCEEDED, FAILED = "Succeeded", "Failed"
EXIT_STALLED = 2
"""The exit code for a run that cannot go on until a person changes something."""
HELP = """\
Follow a run on a cluster to its end. The command prints a line after each change. After Ctrl-C, the run goes on. A
suspended run is followed, because it may be resumed.

exit codes:
  0  the run succeeded
  1  the run failed
  2  the run is stalled: its spec cannot run on this cluster, and the last line names the field
  2  refused: there is no such run, it was deleted, or the cluster does not respond (stderr names the problem and how to
     fix it)
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Follow a run on a cluster to its end.

    The command line finds this function by its entry point and uses its first line as the summary of the command.
    """
    parser.description, parser.formatter_class = HELP, argparse.RawDescriptionHelpFormatter
    cluster_query.add(parser)
    parser.set_defaults(command=watch_run)


def watch_run(arguments: argparse.Namespace) -> int:
    """Print the progress of the run until it has ended. Returns the exit code. Raises BadInputError."""
    return cluster_query.run_query(arguments, follow_run)


async def follow_run(cluster: Cluster, run: Object) -> int:
    """Print a line after each change until the run has ended. Returns the exit code. Raises ApiError."""
    last = ""
    while True:
        line = format_progress(run)
        if line != last:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        last = line
        phase = (run.get("status") or {}).get("phase")
        if phase in (SUCCEEDED, FAILED):
            if phase == SUCCEEDED:
                sys.stdout.write(f"results: {format_export_command(run)}\n")
            return 0 if phase == SUCCEEDED else 1
        if is_stalled(run):
            return EXIT_STALLED
        await asyncio.sleep(POLL_SECONDS)
        run = await cluster.read(cluster_query.reference_to(run))


def is_stalled(run: Object) -> bool:
    """Whether the operator has seen the present spec and the run cannot go on with it."""
    generation = run["metadata"].get("generation")
    conditions = (run.get("status") or {}).get("conditions") or ()
    stalled = [one for one in conditions if one["type"] == "Stalled" and one["status"] == "True"]
    return any(one.get("observedGeneration") == generation for one in stalled)


def format_progress(run: Object) -> str:
    """The progress of a run in one line."""
    status = run.get("status") or {}
    shown = [one for one in cluster_query.list_figures(run) if one.in_progress]
    return "; ".join([cluster_query.format_headline(run), *(figures.format_short(one, status) for one in shown)])


def format_export_command(run: Object) -> str:
    """The command that copies the results of a run."""
    return f"dataswarm export {storage_location.uri(run)} DEST{format_bucket_options(run)}"


def format_bucket_options(run: Object) -> str:
    """The options with which other commands reach the bucket of a run."""
    options = [(option, storage_location.bucket(run).get(option)) for option in ("endpoint", "region")]
    return "".join(f" --{option} {printable_line(value)}" for option, value in options if value)
