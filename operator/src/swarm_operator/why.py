"""`dataswarm why NAME`: why a run on a cluster is where it is, from its conditions, its children and their events."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from swarm_operator import asking, names
from swarm_operator.asking import plain
from swarm_operator.cluster import Cluster
from swarm_operator.plan import Object

EVENTS = 10
"""The latest that are shown."""


@dataclass(frozen=True, slots=True)
class Found:
    """A run and all that is known about it."""

    run: Object
    jobs: Sequence[Object]
    pods: Sequence[Object]
    servers: Sequence[Object]
    events: Sequence[Object]


def add(parser: argparse.ArgumentParser) -> None:
    """Say why a run on a cluster is where it is."""
    parser.description = "Say why a run on a cluster is where it is: conditions, children, events."
    asking.add(parser)
    parser.set_defaults(command=command)


def command(arguments: argparse.Namespace) -> int:
    """Print what is known. Raises BadInputError."""
    found = asking.asked(arguments, gathered)
    sys.stdout.writelines(f"{line}\n" for line in lines(found))
    return 0


async def gathered(cluster: Cluster, run: Object) -> Found:
    """The run and what belongs to it. Raises ApiError."""
    namespace = run["metadata"]["namespace"]
    selector = f"{names.RUN_UID}={run['metadata']['uid']}"
    jobs, pods, servers = [
        sorted((await cluster.list(kind, namespace, selector)).objects, key=born)
        for kind in ("Job", "Pod", "Deployment")
    ]
    told = (await cluster.list("Event", namespace)).objects
    about = {thing["metadata"]["uid"] for thing in (run, *jobs, *pods, *servers)}
    events = [event for event in told if event["involvedObject"].get("uid") in about]
    return Found(run, jobs, pods, servers, sorted(events, key=moment)[-EVENTS:])


def lines(found: Found) -> Iterator[str]:
    """What people are told, the most important first."""
    status = found.run.get("status") or {}
    yield asking.headline(found.run)
    for one in status.get("conditions") or ():
        words = f"{plain(one['reason'])}: {plain(one['message'])}"
        yield f"  {plain(one['type']):<12} {plain(one['status']):<8} {words}"
    for job in found.jobs:
        yield f"  Job {asking.name(job)}: {finished(job)}"
    for server in found.servers:
        ready, wanted = (server.get("status") or {}).get("readyReplicas") or 0, server["spec"].get("replicas")
        yield f"  Deployment {asking.name(server)}: {ready} of {wanted} ready"
    for pod in found.pods:
        yield f"  Pod {asking.name(pod)}: {state(pod)}"
    for event in found.events:
        about = f"{plain(event['involvedObject'].get('kind'))} {plain(event['involvedObject'].get('name'))}"
        yield f"  {moment(event)} {plain(event.get('reason'))} {about}: {plain(event.get('message'))}"


def finished(job: Object) -> str:
    """How far a Job is."""
    status = job.get("status") or {}
    for one in status.get("conditions") or ():
        if one["status"] == "True" and one["type"] in ("Complete", "Failed", "Suspended"):
            return plain(f"{one['type']} {one.get('message', '')}")
    return f"{status.get('active') or 0} active, {status.get('succeeded') or 0} succeeded"


def state(pod: Object) -> str:
    """What a pod is, and what holds it up."""
    status = pod.get("status") or {}
    said = [plain(status.get("phase", "Unknown"))]
    for one in status.get("conditions") or ():
        if one["status"] == "False" and one.get("message") and one["type"] == "PodScheduled":
            said.append(plain(f"{one.get('reason')}: {one['message']}"))
    for one in status.get("containerStatuses") or ():
        for kind in ("waiting", "terminated"):
            if details := (one.get("state") or {}).get(kind):
                code = f" with code {details['exitCode']}" if "exitCode" in details else ""
                said.append(plain(f"{details.get('reason', kind)}{code}"))
    return ", ".join(said)


def born(thing: Object) -> str:
    """When an object was made, RFC 3339."""
    return str(thing["metadata"].get("creationTimestamp", ""))


def moment(event: Object) -> str:
    """When an event was last seen, RFC 3339."""
    at = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp")
    return plain(at or "")
