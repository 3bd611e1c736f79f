"""A small reconciler for tests of the operator's shell: a run is a chain of Jobs, and each hashes the output of the
last.

It replaces the pure half and is as careful. It names children by run, step and attempt, believes receipts only, and
ends in a digest that proves that every step was done once, in order. The chain is as long as `spec.swarm.iterations`.
"""

import hashlib
import json
from typing import Any

from process_node import Answer

from swarm_operator.common.names import RUN_UID_LABEL
from swarm_operator.common.reconcile_plan import Create, Delete, Event, Object, ObservedRun, Plan, Step
from swarm_operator.settings import Settings

WAKE_SECONDS = 30.0


def link(parent: str, number: int) -> str:
    """The output of step `number`."""
    return hashlib.sha256(f"{parent}/{number}".encode()).hexdigest()


def chain_digest(length: int) -> str:
    """The digest at the end of a chain of `length` steps."""
    digest = ""
    for number in range(length):
        digest = link(digest, number)
    return digest


def container_answer(pod: Any, seconds: float = 0.0) -> Answer:
    """The answer of the container of a step."""
    parent, number = pod["spec"]["containers"][0]["args"]
    return Answer(message=link(parent, int(number)), seconds=seconds)


def reconcile(observed: ObservedRun, _now: float, _settings: Settings) -> Plan:
    """The plan for the next step, or for the end."""
    run, length = observed.run, observed.run["spec"]["swarm"]["iterations"]
    if run["spec"].get("domain") == "poison":
        raise RuntimeError("this run cannot be reconciled")
    number, attempt, digest = saved = json.loads((run.get("status") or {}).get("engine") or '[0, 0, ""]')
    jobs = {child["metadata"]["name"]: child for child in observed.children if child["kind"] == "Job"}
    while number < length and (job := jobs.get(job_name(run, number, attempt))) is not None:
        said = find_receipt(observed, job)
        if said is not None:
            number, attempt, digest = number + 1, 0, said
        elif is_over(job):
            attempt += 1
        else:
            break
    wanted = job_name(run, number, attempt) if number < length else ""
    steps: list[Step] = [
        Delete("Job", old, job["metadata"]["uid"])
        for old, job in jobs.items()
        if old < job_name(run, *saved[:2]) and "deletionTimestamp" not in job["metadata"]  # its receipt is saved
    ]
    if wanted and wanted not in jobs:
        steps += [Create(config(run)), Create(manifest(run, wanted, digest, number))]
    return Plan(tuple(steps), build_status(number, attempt, digest, length), list_events(number, length), WAKE_SECONDS)


def build_status(number: int, attempt: int, digest: str, length: int) -> Object:
    return {
        "phase": "Iterating" if number < length else "Succeeded",
        "iteration": number,
        "iterations": length,
        "engine": json.dumps([number, attempt, digest]),
        "message": digest,
    }


def list_events(number: int, length: int) -> tuple[Event, ...]:
    return (Event("Normal", "Succeeded", "the chain is whole"),) if number == length else ()


def job_name(run: Object, number: int, attempt: int) -> str:
    return f"{run['metadata']['name'][:30]}-{run['metadata']['uid'][:8]}-{number:03d}-{attempt}"


def find_receipt(observed: ObservedRun, job: Object) -> str | None:
    """The message of a Succeeded pod of this Job. None if there is none."""
    for pod in observed.children:
        owners = pod["metadata"].get("ownerReferences") or ()
        ours = pod["kind"] == "Pod" and any(owner["uid"] == job["metadata"]["uid"] for owner in owners)
        if ours and pod["status"].get("phase") == "Succeeded":
            said: str = pod["status"]["containerStatuses"][0]["state"]["terminated"]["message"]
            return said
    return None


def is_over(job: Object) -> bool:
    conditions = job.get("status", {}).get("conditions") or ()
    return any(one["type"] in ("Complete", "Failed") and one["status"] == "True" for one in conditions)


def child_metadata(run: Object, called: str) -> dict[str, Any]:
    owner = {"apiVersion": run["apiVersion"], "kind": run["kind"], "name": run["metadata"]["name"]}
    reference = {**owner, "uid": run["metadata"]["uid"], "controller": True, "blockOwnerDeletion": False}
    return {"name": called, "labels": {RUN_UID_LABEL: run["metadata"]["uid"]}, "ownerReferences": [reference]}


def config(run: Object) -> dict[str, Any]:
    """A child of a kind that the operator does not watch."""
    called = f"{run['metadata']['name'][:30]}-{run['metadata']['uid'][:8]}"
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": child_metadata(run, called),
        "immutable": True,
        "data": {"a": "b"},
    }


def manifest(run: Object, called: str, parent: str, number: int) -> dict[str, Any]:
    container = {"name": "main", "image": "chain", "command": ["python"], "args": [parent, str(number)]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": child_metadata(run, called),
        "spec": {
            "backoffLimit": 1,
            "podReplacementPolicy": "Failed",
            "template": {
                "metadata": {"labels": {RUN_UID_LABEL: run["metadata"]["uid"]}},
                "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]},
            },
        },
    }
