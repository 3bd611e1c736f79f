"""`dataswarm why NAME` explains the state of a run on a cluster, from its conditions, its children and their events.

The cause comes from the pure reconciler that the operator runs as well, on the objects as they are now. So it is right
even if no operator runs, and the command can say that the operator is behind.

Limits: the reconciler of this installation, which may be newer or older than the operator's.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from swarm_core.engine import phases
from swarm_operator.api_client.cluster import Cluster
from swarm_operator.cli import cluster_query, overdue
from swarm_operator.cli.cluster_query import printable_line
from swarm_operator.common import names
from swarm_operator.common.cluster_run import ChartDefaults
from swarm_operator.common.reconcile_plan import Object, ObservedRun, Plan
from swarm_operator.reconciler import child_parser, reconcile

HELP = """\
Explain the state of a run on a cluster. The first lines name the cause and what to do about it. Then the command prints
the run's conditions, its Jobs, Deployments and pods, and their latest events. docs/troubleshooting.md lists the causes.

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
    other_pods: Sequence[Object] = ()
    """The pods of other runs in the namespace."""
    now: float = 0.0
    """When they were read, in seconds since 1970-01-01 UTC."""


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
    namespace, uid = run["metadata"]["namespace"], run["metadata"]["uid"]
    selector = f"{names.RUN_UID_LABEL}={uid}"
    jobs, servers = [
        sorted((await cluster.list(kind, namespace, selector)).objects, key=creation_time)
        for kind in ("Job", "Deployment")
    ]
    all_pods = sorted((await cluster.list("Pod", namespace, names.RUN_UID_LABEL)).objects, key=creation_time)
    pods = [pod for pod in all_pods if pod["metadata"]["labels"][names.RUN_UID_LABEL] == uid]
    others = [pod for pod in all_pods if pod not in pods]
    all_events = (await cluster.list("Event", namespace)).objects
    subjects = {manifest["metadata"]["uid"] for manifest in (run, *jobs, *pods, *servers)}
    events = sorted((one for one in all_events if is_about(one, subjects, servers)), key=event_time)
    return RunDetails(run, jobs, pods, servers, events, others, time.time())


def is_about(event: Object, subjects: set[str], servers: Sequence[Object]) -> bool:
    """Whether an event is about one of `subjects`, or about a ReplicaSet of a server."""
    about = event["involvedObject"]
    owners = tuple(f"{server['metadata']['name']}-" for server in servers)
    is_replica_set = about.get("kind") == "ReplicaSet" and str(about.get("name")).startswith(owners)
    return about.get("uid") in subjects or (bool(owners) and is_replica_set)


def format_details(details: RunDetails) -> Iterator[str]:
    """Yield the details as lines, the most important ones first."""
    status = details.run.get("status") or {}
    yield cluster_query.format_headline(details.run)
    for subject, words in list_causes(details):
        yield f"  {subject:<12} {printable_line(words)}"
    for one in status.get("conditions") or ():
        words = f"{printable_line(one['reason'])}: {printable_line(one['message'])}"
        yield f"  {printable_line(one['type']):<12} {printable_line(one['status']):<8} {words}"
    yield from format_children(details)
    yield from map(format_event, details.events[-EVENTS_SHOWN:])


def format_event(event: Object) -> str:
    """Return the line of an event: its time, its reason, its object and its message."""
    about = event["involvedObject"]
    words = (event.get("reason"), about.get("kind"), about.get("name"))
    return f"  {event_time(event)} {' '.join(map(printable_line, words))}: {printable_line(event.get('message'))}"


def format_children(details: RunDetails) -> Iterator[str]:
    """One line for each Job, Deployment and pod."""
    for job in details.jobs:
        yield f"  Job {cluster_query.printable_name(job)}: {format_job_state(job)}"
    for server in details.servers:
        yield f"  Deployment {cluster_query.printable_name(server)}: {format_server_state(server)}"
    for pod in details.pods:
        yield f"  Pod {cluster_query.printable_name(pod)}: {format_pod_state(pod)}"


def list_causes(details: RunDetails) -> Iterator[tuple[str, str]]:
    """Why the run does not move on, by subject: the cause, the way out of a failure, who holds the accelerators, and a
    missing operator."""
    stored = details.run.get("status") or {}
    found = find_current_status(details)
    if reason := found.get("reason"):
        message = next((one["message"] for one in found.get("conditions") or () if one["type"] == "Ready"), "")
        yield "cause", f"{reason}: {message}"
    if stored.get("phase") == phases.Phase.FAILED:
        yield "way out", format_rerun(details.run)
    if reason == "InsufficientAccelerators" and (holders := list_holders(details)):
        yield "held by", ", ".join(f"{name} ({count})" for name, count in sorted(holders.items()))
    earlier = plan(details, details.now - overdue.OVERDUE_SECONDS)
    if words := overdue.explain(details.run, list_objects(details), earlier, details.now):
        yield "operator", words


def find_current_status(details: RunDetails) -> Object:
    """The status that an operator would write now.

    The stored one of a run that is over, and of one whose next step the API server refuses: only the operator has
    seen its words.
    """
    stored = details.run.get("status") or {}
    if stored.get("phase") in phases.TERMINAL:
        return stored
    planned = plan(details, details.now)
    found = planned.status or {}
    return stored if planned.steps and not found.get("reason") else found


def format_rerun(run: Object) -> str:
    """Return the command that starts a failed run again."""
    metadata = run["metadata"]
    patch = json.dumps({"spec": {"rerun": f"again-{metadata.get('generation', 1)}"}})
    return (
        f"resolve the cause, then: kubectl patch {str(run['kind']).lower()} {metadata['name']}"
        f" --namespace {metadata['namespace']} --type merge --patch '{patch}'"
    )


def plan(details: RunDetails, now: float) -> Plan:
    """What an operator would do at `now`."""
    observed = ObservedRun(details.run, tuple(list_objects(details)), events=tuple(details.events))
    return reconcile.reconcile(observed, now, ChartDefaults())


def list_objects(details: RunDetails) -> Iterable[Object]:
    """The children, each with its kind. Entries of a list have none."""
    kinds = (("Job", details.jobs), ("Pod", details.pods), ("Deployment", details.servers))
    return [{"kind": kind, **manifest} for kind, manifests in kinds for manifest in manifests]


def list_holders(details: RunDetails) -> Counter[str]:
    """The accelerators that pods of other runs hold in the namespace, by the name of the run."""
    kubernetes = ((details.run.get("spec") or {}).get("execution") or {}).get("kubernetes") or {}
    resource = kubernetes.get("acceleratorResource", "nvidia.com/gpu")
    held: Counter[str] = Counter()
    for manifest in details.other_pods:
        for pod in child_parser.parse([{"kind": "Pod", **manifest}], resource).pods:
            if pod.accelerators and pod.scheduled is not None and pod.ended is None:
                held[printable_line(manifest["metadata"]["labels"].get(names.RUN_LABEL, ""))] += pod.accelerators
    return held


def format_server_state(server: Object) -> str:
    """How many pods of a Deployment are ready, and why there are no more."""
    status = server.get("status") or {}
    parts = [f"{status.get('readyReplicas') or 0} of {server['spec'].get('replicas')} ready"]
    for one in status.get("conditions") or ():
        if one["type"] == "ReplicaFailure" and one["status"] == "True":
            parts.append(printable_line(f"{one.get('reason')}: {one.get('message')}"))
    return ", ".join(parts)


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
