"""`dataswarm result NAME` prints the result of a run on a cluster, from its spec and status.

The command line finds it by its entry point and uses it for a run that is no folder of this machine. It needs no access
to the bucket. Limits: it prints only the contents of the status. It names the place of the summary, the data set and
all other figures.
"""

import argparse
import json
import sys
from collections.abc import Iterator

from swarm_core.api import figures
from swarm_core.errors import BadInputError
from swarm_operator.api_client.cluster import Cluster
from swarm_operator.cli import cluster_query, watch
from swarm_operator.cli.cluster_query import printable_line
from swarm_operator.common import storage_location
from swarm_operator.common.reconcile_plan import Object

EXIT_CODES = {watch.SUCCEEDED: 0, watch.FAILED: 1}
"""The exit codes for runs that have ended."""


def print_result(arguments: argparse.Namespace) -> int:
    """Print the result of the run that `arguments` name. Returns the exit code.

    Raises BadInputError if the run has not ended, or cannot be read.
    """
    run = cluster_query.run_query(arguments, return_run)
    code = EXIT_CODES.get(str((run.get("status") or {}).get("phase")))
    if code is None:
        raise BadInputError(
            f"there is no result yet: {watch.format_progress(run)}; follow the run with:"
            f" dataswarm watch {run_argument(run)}"
        )
    sys.stdout.write(f"{format_json(run)}\n" if arguments.json else "".join(f"{line}\n" for line in format_report(run)))
    return code


async def return_run(_: Cluster, run: Object) -> Object:
    """The run itself."""
    return run


def format_json(run: Object) -> str:
    """The status without the engine's state, and the URI of the artifacts, as JSON."""
    status = {key: value for key, value in run["status"].items() if key != "engine"}
    return json.dumps({"name": run["metadata"]["name"], "artifacts": storage_location.uri(run), **status}, indent=1)


def format_report(run: Object) -> Iterator[str]:
    """The result as text: the headline of the run, then one line per subject."""
    yield cluster_query.format_headline(run)
    for subject, words in (*format_findings(run), *format_next_steps(run)):
        yield f"  {subject:<12} {words}"


def format_findings(run: Object) -> Iterator[tuple[str, str]]:
    """The figures and digests in the status, by subject."""
    status = run["status"]
    for figure in cluster_query.list_figures(run):
        if words := figures.format_finding(figure, status):
            yield figure.label, words
    digests = {"experiment": "experimentDigest", "spec": "specDigest", "result": "result"}
    yield from ((subject, printable_line(status[field])) for subject, field in digests.items() if status.get(field))
    yield "accelerators", format_accelerator_time(status)


def format_accelerator_time(status: Object) -> str:
    """Accelerator-hours, and their parts in seconds."""
    if status.get("gpuHours") is None:
        return "none held"
    seconds = status.get("gpuSeconds") or {}
    parts = ", ".join(f"{part} {seconds.get(part) or 0:.0f} s" for part in ("busy", "loading", "idle"))
    return f"{status['gpuHours']:.3f} hours ({parts})"


def format_next_steps(run: Object) -> Iterator[tuple[str, str]]:
    """The URI of the artifacts, and the commands to use next."""
    if uri := storage_location.uri(run):
        yield "artifacts", uri
    if run["status"]["phase"] == watch.FAILED:
        yield "next", f"dataswarm why {run_argument(run)}"
    elif uri:
        yield "next", watch.format_export_command(run)
        yield "", f"dataswarm verify {uri}{watch.format_bucket_options(run)}"


def run_argument(run: Object) -> str:
    """The arguments that name the run in other commands."""
    return f"{cluster_query.printable_name(run)} --namespace {printable_line(run['metadata']['namespace'])}"
