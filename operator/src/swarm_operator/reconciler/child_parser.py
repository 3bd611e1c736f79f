"""Parses Kubernetes objects into the children that the operator reads.

An object that cannot be parsed is skipped. Anybody in a namespace may put our labels on any object, and that must not
stop the operator.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from swarm_core.engine.work import WorkItem
from swarm_operator.common import names, timestamps
from swarm_operator.common.children import Children, ContainerExit, Deployment, Job, Pod
from swarm_operator.common.reconcile_plan import Object


def parse(objects: Iterable[Object], resource: str, events: Iterable[Object] = ()) -> Children:
    """Parse the children among `objects`. `resource` is the extended resource of accelerators.

    `events`: the events about them.
    """
    jobs: list[Job] = []
    pods: list[Pod] = []
    deployments: list[Deployment] = []
    purges: list[Job] = []
    for manifest in objects:
        try:
            match manifest["kind"]:
                case "Job":
                    job = _parse_job(manifest)
                    (purges if job.work == names.PURGE else jobs).append(job)
                case "Pod":
                    pods.append(_parse_pod(manifest, resource))
                case "Deployment":
                    deployments.append(_parse_deployment(manifest))
        except (KeyError, ValueError, TypeError, AttributeError, IndexError):
            continue
    return Children(tuple(jobs), tuple(pods), tuple(deployments), tuple(purges), _parse_warnings(events))


def _parse_warnings(events: Iterable[Object]) -> dict[str, str]:
    """The message of the latest Warning event, by the uid of its object."""
    found: dict[str, tuple[str, str]] = {}
    for event in events:
        if event.get("type") == "Warning" and (uid := (event.get("involvedObject") or {}).get("uid")):
            at = str(event.get("lastTimestamp") or event.get("eventTime") or "")
            found[str(uid)] = max(found.get(str(uid), ("", "")), (at, str(event.get("message", ""))))
    return {uid: message for uid, (_, message) in found.items()}


def _parse_job(manifest: Object) -> Job:
    metadata, status = manifest["metadata"], manifest.get("status") or {}
    work = metadata["labels"][names.WORK_LABEL]
    keys = () if work == names.PURGE else tuple(item.key for item in _parse_items(metadata))
    settled = [
        keys[index] for name in ("completedIndexes", "failedIndexes") for index in _parse_index_ranges(status.get(name))
    ]
    return Job(
        name=metadata["name"],
        uid=metadata["uid"],
        work=work,
        attempt=int(metadata["labels"][names.ATTEMPT_LABEL]),
        keys=keys,
        created=timestamps.parse(metadata.get("creationTimestamp")) or 0.0,
        over=any(_condition_is_true(status, kind) for kind in ("Complete", "Failed")),
        deleting=metadata.get("deletionTimestamp") is not None,
        failed=_condition_is_true(status, "Failed"),
        settled=frozenset(settled),
        suspended=bool((manifest.get("spec") or {}).get("suspend")),
    )


def _parse_items(metadata: Mapping[str, Any]) -> list[WorkItem]:
    """The items of a Job or of its pods."""
    return [WorkItem.from_key(key) for key in metadata["annotations"][names.ITEMS_ANNOTATION].split(",")]


def _parse_index_ranges(text: str | None) -> Iterator[int]:
    """The numbers in a text such as `0,2-5`."""
    for part in (text or "").split(","):
        if part:
            first, _, last = part.partition("-")
            yield from range(int(first), int(last or first) + 1)


def _parse_pod(manifest: Object, resource: str) -> Pod:
    metadata, status = manifest["metadata"], manifest.get("status") or {}
    work, annotations = metadata["labels"][names.WORK_LABEL], metadata.get("annotations") or {}
    state, container_exit = _container_state(status, "state"), _container_exit(status)
    ended = status.get("phase") in ("Succeeded", "Failed")
    if work == names.SERVE:
        key = metadata["labels"][names.SERVER_LABEL]
    elif work == names.PURGE:
        key = ""
    else:
        key = _parse_items(metadata)[int(annotations.get(names.COMPLETION_INDEX_ANNOTATION, 0))].key
    return Pod(
        name=metadata["name"],
        uid=metadata["uid"],
        work=work,
        job=metadata["labels"].get(names.JOB_NAME_LABEL, ""),
        key=key,
        attempt=int(metadata["labels"].get(names.ATTEMPT_LABEL, 1)),
        failures=int(annotations.get(names.FAILURE_COUNT_ANNOTATION, 0)),
        accelerators=sum(_accelerator_limit(container, resource) for container in manifest["spec"]["containers"]),
        created=timestamps.parse(metadata.get("creationTimestamp")) or 0.0,
        scheduled=_condition_true_since(status, "PodScheduled"),
        started=_first_time(state.get("running", {}).get("startedAt"), state.get("terminated", {}).get("startedAt")),
        ready=_condition_true_since(status, "Ready"),
        ended=_end_time(status, state) if ended else None,
        deleted=timestamps.parse(metadata.get("deletionTimestamp")),
        exit=container_exit,
        disrupted=_condition_is_true(status, "DisruptionTarget") or status.get("reason") in NODE_TERMINATION_REASONS,
        start_problem=("", "") if ended else _start_problem(status, state),
        disruption=_disruption(status),
    )


NODE_TERMINATION_REASONS = frozenset({"Evicted", "NodeLost", "Shutdown", "NodeShutdown", "Terminated", "Preempting"})
"""Reasons in the status of a pod that the node ended."""


def _disruption(status: Mapping[str, Any]) -> str:
    """How the cluster ended a pod: the reason and message of the node or of the condition DisruptionTarget."""
    found = [status] if status.get("reason") in NODE_TERMINATION_REASONS else []
    found += [one for one in status.get("conditions") or () if one["type"] == "DisruptionTarget"]
    return next((f"{one.get('reason', 'disruption')}: {one.get('message', '')}".rstrip(": ") for one in found), "")


START_FAILURE_REASONS = frozenset(
    {
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
        "ErrImageNeverPull",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "CrashLoopBackOff",
    }
)
"""Reasons of a waiting container that do not go away once an image or a model is loaded."""


def _start_problem(status: Mapping[str, Any], state: Mapping[str, Any]) -> tuple[str, str]:
    waiting = state.get("waiting", {})
    if waiting.get("reason") in START_FAILURE_REASONS:
        reason = "ImagePullBackOff" if waiting["reason"] == "ErrImagePull" else str(waiting["reason"])
        return reason, str(waiting.get("message", ""))
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("reason") or "Unschedulable"), str(condition.get("message", ""))
    return "", ""


def _container_state(status: Mapping[str, Any], state: str) -> Mapping[str, Any]:
    """The state of the pod's one container."""
    found = status.get("containerStatuses") or [{}]
    return found[0].get(state) or {}


def _container_exit(status: Mapping[str, Any]) -> ContainerExit | None:
    """The last exit of the container. In a pod that restarted it, that is the exit before the restart."""
    for state in ("state", "lastState"):
        ended = _container_state(status, state).get("terminated")
        if ended:
            return ContainerExit(int(ended["exitCode"]), str(ended.get("reason", "")), str(ended.get("message") or ""))
    return None


def _end_time(status: Mapping[str, Any], state: Mapping[str, Any]) -> float:
    """The end of a pod that has ended: the time of its container, or else the time of the last changed condition."""
    finished_at = timestamps.parse(state.get("terminated", {}).get("finishedAt"))
    if finished_at:
        return finished_at
    changes = [timestamps.parse(condition.get("lastTransitionTime")) for condition in status.get("conditions") or ()]
    return max([change for change in changes if change] or [timestamps.parse(status.get("startTime")) or 1.0])


def _accelerator_limit(container: Mapping[str, Any], resource: str) -> int:
    return int(((container.get("resources") or {}).get("limits") or {}).get(resource, 0))


def _first_time(*written: object) -> float | None:
    return next((moment for text in written if (moment := timestamps.parse(text)) is not None), None)


def _condition_is_true(status: Mapping[str, Any], kind: str) -> bool:
    return any(one["type"] == kind and one["status"] == "True" for one in status.get("conditions") or ())


def _condition_true_since(status: Mapping[str, Any], kind: str) -> float | None:
    """The time since which a condition is true. None if it is not true."""
    for condition in status.get("conditions") or ():
        if condition["type"] == kind and condition["status"] == "True":
            return timestamps.parse(condition.get("lastTransitionTime"))
    return None


def _parse_deployment(manifest: Object) -> Deployment:
    metadata = manifest["metadata"]
    return Deployment(
        name=metadata["name"],
        uid=metadata["uid"],
        replicas=int(manifest["spec"].get("replicas", 1)),
        digest=(metadata.get("annotations") or {}).get(names.SERVERS_ANNOTATION, ""),
        deleting=metadata.get("deletionTimestamp") is not None,
        refusal=_replica_failure(manifest.get("status") or {}),
    )


def _replica_failure(status: Mapping[str, Any]) -> str:
    """The message of the condition ReplicaFailure: why the API server refuses the pods. Empty if it does not."""
    for one in status.get("conditions") or ():
        if one["type"] == "ReplicaFailure" and one["status"] == "True":
            return str(one.get("message") or one.get("reason") or "ReplicaFailure")
    return ""
