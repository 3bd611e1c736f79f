"""Reads the status of a pod: the state of the container main, and what keeps the pod from running or ended it.

Containers are found by name. When a pod is admitted, others may be added before or after ours, as a service mesh does,
or as init containers that run beside ours (native sidecars).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from swarm_operator.common import names, timestamps
from swarm_operator.common.children import ContainerExit

Status = Mapping[str, Any]
NODE_TERMINATION_REASONS = frozenset({"NodeLost", "Shutdown", "NodeShutdown", "Terminated", "Preempting"})
"""Reasons in the status of a pod that the node ended. The pod did nothing wrong.

Evicted is not among them. A node under pressure also sets the condition DisruptionTarget; without it, the pod exceeded
a limit of its own.
"""
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


def main_state(status: Status) -> Mapping[str, Any]:
    """The present state of the container main: a mapping with `waiting`, `running` or `terminated`, or empty."""
    found: Mapping[str, Any] = _main_status(status).get("state") or {}
    return found


def main_exit(status: Status) -> ContainerExit | None:
    """The last exit of the container main. In a pod that restarted it, that is the exit before the restart."""
    for state in ("state", "lastState"):
        ended = (_main_status(status).get(state) or {}).get("terminated")
        if ended:
            return ContainerExit(int(ended["exitCode"]), str(ended.get("reason", "")), str(ended.get("message") or ""))
    return None


def end_time(status: Status) -> float:
    """The end of a pod that has ended: the time of its container, or else the time of the last changed condition."""
    finished_at = timestamps.parse((main_state(status).get("terminated") or {}).get("finishedAt"))
    if finished_at:
        return finished_at
    changes = [timestamps.parse(condition.get("lastTransitionTime")) for condition in status.get("conditions") or ()]
    return max([change for change in changes if change] or [timestamps.parse(status.get("startTime")) or 1.0])


def is_disrupted(status: Status) -> bool:
    """Whether the cluster ended the pod through no fault of its own."""
    return condition_is_true(status, "DisruptionTarget") or status.get("reason") in NODE_TERMINATION_REASONS


def find_disruption(status: Status) -> str:
    """How a node or the cluster ended the pod, in the words of Kubernetes. Empty if neither did."""
    found = [status] if status.get("reason") else []
    found += [one for one in status.get("conditions") or () if one["type"] == "DisruptionTarget"]
    return next((f"{one.get('reason', 'disruption')}: {one.get('message', '')}".rstrip(": ") for one in found), "")


def find_start_problem(status: Status) -> tuple[str, str]:
    """Reason and message of the problem that keeps a pod from running. Both are empty if there is none.

    The container main comes first. Any other one, such as an init container of a service mesh, is named.
    """
    for container in _all_statuses(status):
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in START_FAILURE_REASONS:
            reason = "ImagePullBackOff" if waiting["reason"] == "ErrImagePull" else str(waiting["reason"])
            of_container = "" if container["name"] == names.MAIN_CONTAINER else f"container {container['name']}: "
            return reason, f"{of_container}{waiting.get('message', '')}"
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("reason") or "Unschedulable"), str(condition.get("message", ""))
    return "", ""


def condition_is_true(status: Status, kind: str) -> bool:
    """Whether a condition of this type is true."""
    return any(one["type"] == kind and one["status"] == "True" for one in status.get("conditions") or ())


def condition_true_since(status: Status, kind: str) -> float | None:
    """The time since which a condition is true. None if it is not true."""
    for condition in status.get("conditions") or ():
        if condition["type"] == kind and condition["status"] == "True":
            return timestamps.parse(condition.get("lastTransitionTime"))
    return None


def _all_statuses(status: Status) -> Iterator[Mapping[str, Any]]:
    if main := _main_status(status):
        yield main
    for one in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        if one.get("name") != names.MAIN_CONTAINER:
            yield one


def _main_status(status: Status) -> Mapping[str, Any]:
    found = status.get("containerStatuses") or ()
    return next((one for one in found if one.get("name") == names.MAIN_CONTAINER), {})
