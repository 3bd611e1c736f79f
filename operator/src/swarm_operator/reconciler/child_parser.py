"""Parses Kubernetes objects into the children that the operator reads.

An object that cannot be parsed is skipped. Anybody in a namespace may put our labels on any object, and that must not
stop the operator.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from swarm_core.engine.work import WorkItem
from swarm_operator.common import names, timestamps
from swarm_operator.common.children import Children, Deployment, Job, Pod
from swarm_operator.common.reconcile_plan import Object
from swarm_operator.reconciler import pod_status


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
        over=any(pod_status.condition_is_true(status, kind) for kind in ("Complete", "Failed")),
        deleting=metadata.get("deletionTimestamp") is not None,
        failed=pod_status.condition_is_true(status, "Failed"),
        settled=frozenset(settled),
        digest=(metadata.get("annotations") or {}).get(names.MANIFEST_ANNOTATION, ""),
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
    state = pod_status.main_state(status)
    over = status.get("phase") in ("Succeeded", "Failed")
    ended = over or (work != names.SERVE and "terminated" in state)
    return Pod(
        name=metadata["name"],
        uid=metadata["uid"],
        work=work,
        job=metadata["labels"].get(names.JOB_NAME_LABEL, ""),
        key=_parse_pod_key(work, metadata),
        attempt=int(metadata["labels"].get(names.ATTEMPT_LABEL, 1)),
        failures=int(annotations.get(names.FAILURE_COUNT_ANNOTATION, 0)),
        accelerators=sum(_accelerator_limit(container, resource) for container in manifest["spec"]["containers"]),
        created=timestamps.parse(metadata.get("creationTimestamp")) or 0.0,
        scheduled=pod_status.condition_true_since(status, "PodScheduled"),
        started=_first_time(state.get("running", {}).get("startedAt"), state.get("terminated", {}).get("startedAt")),
        ready=pod_status.condition_true_since(status, "Ready"),
        ended=pod_status.end_time(status) if ended else None,
        deleted=timestamps.parse(metadata.get("deletionTimestamp")),
        exit=pod_status.main_exit(status),
        disrupted=pod_status.is_disrupted(status),
        start_problem=("", "") if ended else pod_status.find_start_problem(status),
        disruption=pod_status.find_disruption(status),
        lingering=ended and not over,
    )


def _parse_pod_key(work: str, metadata: Mapping[str, Any]) -> str:
    """The key of the pod's work item, or the number of its server. Empty for the pod of a purge Job."""
    if work == names.SERVE:
        return str(metadata["labels"][names.SERVER_LABEL])
    if work == names.PURGE:
        return ""
    index = (metadata.get("annotations") or {}).get(names.COMPLETION_INDEX_ANNOTATION, 0)
    return _parse_items(metadata)[int(index)].key


def _accelerator_limit(container: Mapping[str, Any], resource: str) -> int:
    return int(((container.get("resources") or {}).get("limits") or {}).get(resource, 0))


def _first_time(*written: object) -> float | None:
    return next((moment for text in written if (moment := timestamps.parse(text)) is not None), None)


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
