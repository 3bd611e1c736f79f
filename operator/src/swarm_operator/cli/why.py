"""`dataswarm why NAME` explains the state of a run on a cluster, from its conditions, its children and their events."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from swarm_operator.api_client.cluster import Cluster
from swarm_operator.cli import cluster_query
from swarm_operator.cli.cluster_query import printable_line
from swarm_operator.common import names
from swarm_operator.common.reconcile_plan import Object

HELP = """\
Explain the state of a run on a cluster. The command prints its conditions, its Jobs, Deployments and pods, and their
latest events.

exit codes:
  0  done
  2  refused: there is no such run, or the cluster does not respond (stderr names the problem and how to fix it)
"""
EVENTS_SHOWN = 10
"""The number of events that are shown, the latest ones."""


@dataclass(frozen=True, slots=True)
class RunDetails:
    """A run, its children, and their events."""

    run: Object
    jobs: Sequence[Object]
    pods: Sequence[Object]
    servers: Sequence[Object]
    events: Sequence[Object]


def add(parser: argparse.ArgumentParser) -> None:
    """Explain the state of a run on a cluster.

    The command line finds this function by its entry point and uses its first line as the summary of the command.
    """
    parser.description, parser.formatter_class = HELP, argparse.RawDescriptionHelpFormatter
    cluster_query.add(parser)
    parser.set_defaults(command=explain_run)


def explain_run(arguments: argparse.Namespace) -> int:
    """Print the details of a run. Returns the exit code. Raises BadInputError."""
    details = cluster_query.run_query(arguments, fetch_details)
    sys.stdout.writelines(f"{line}\n" for line in format_details(details))
    return 0


async def fetch_details(cluster: Cluster, run: Object) -> RunDetails:
    """The run, its children, and their latest events. Raises ApiError."""
    namespace = run["metadata"]["namespace"]
    selector = f"{names.RUN_UID_LABEL}={run['metadata']['uid']}"
    jobs, pods, servers = [
        sorted((await cluster.list(kind, namespace, selector)).objects, key=creation_time)
        for kind in ("Job", "Pod", "Deployment")
    ]
    all_events = (await cluster.list("Event", namespace)).objects
    subject = {manifest["metadata"]["uid"] for manifest in (run, *jobs, *pods, *servers)}
    events = [event for event in all_events if event["involvedObject"].get("uid") in subject]
    return RunDetails(run, jobs, pods, servers, sorted(events, key=event_time)[-EVENTS_SHOWN:])


def format_details(details: RunDetails) -> Iterator[str]:
    """The details as lines, the most important ones first."""
    status = details.run.get("status") or {}
    yield cluster_query.format_headline(details.run)
    for one in status.get("conditions") or ():
        words = f"{printable_line(one['reason'])}: {printable_line(one['message'])}"
        yield f"  {printable_line(one['type']):<12} {printable_line(one['status']):<8} {words}"
    for job in details.jobs:
        yield f"  Job {cluster_query.printable_name(job)}: {format_job_state(job)}"
    for server in details.servers:
        ready, wanted = (server.get("status") or {}).get("readyReplicas") or 0, server["spec"].get("replicas")
        yield f"  Deployment {cluster_query.printable_name(server)}: {ready} of {wanted} ready"
    for pod in details.pods:
        yield f"  Pod {cluster_query.printable_name(pod)}: {format_pod_state(pod)}"
    for event in details.events:
        subject = (
            f"{printable_line(event['involvedObject'].get('kind'))}"
            f" {printable_line(event['involvedObject'].get('name'))}"
        )
        yield (
            f"  {event_time(event)} {printable_line(event.get('reason'))} {subject}:"
            f" {printable_line(event.get('message'))}"
        )


def format_job_state(job: Object) -> str:
    """The progress of a Job."""
    status = job.get("status") or {}
    for one in status.get("conditions") or ():
        if one["status"] == "True" and one["type"] in ("Complete", "Failed", "Suspended"):
            return printable_line(f"{one['type']} {one.get('message', '')}")
    return f"{status.get('active') or 0} active, {status.get('succeeded') or 0} succeeded"


def format_pod_state(pod: Object) -> str:
    """The phase of a pod, and the problem that blocks it."""
    status = pod.get("status") or {}
    parts = [printable_line(status.get("phase", "Unknown"))]
    for one in status.get("conditions") or ():
        if one["status"] == "False" and one.get("message") and one["type"] == "PodScheduled":
            parts.append(printable_line(f"{one.get('reason')}: {one['message']}"))
    for one in status.get("containerStatuses") or ():
        for kind in ("waiting", "terminated"):
            if details := (one.get("state") or {}).get(kind):
                code = f" with code {details['exitCode']}" if "exitCode" in details else ""
                parts.append(printable_line(f"{details.get('reason', kind)}{code}"))
    return ", ".join(parts)


def creation_time(manifest: Object) -> str:
    """The creationTimestamp of an object, RFC 3339."""
    return str(manifest["metadata"].get("creationTimestamp", ""))


def event_time(event: Object) -> str:
    """The time of an event's last occurrence, RFC 3339."""
    at = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp")
    return printable_line(at or "")
