"""What children of a run are called, and the labels by which they are found again.

A name follows from the run's name and uid and from what the child is for, so that making a child twice is making it
once, and a run that is created anew never takes over the children of its forerunner. No name is longer than a label's
value may be, the index of an Indexed Job's pod included.
"""

import hashlib
from collections.abc import Iterable

from swarm_core.api.run import API_GROUP
from swarm_core.engine.work import WorkItem
from swarm_core.swarm_names import GENERATORS

MANAGER = "dataswarm-operator"
"""What the operator calls itself in whatever it writes."""
RUN_LABEL, RUN_UID_LABEL = f"{API_GROUP}/run", f"{API_GROUP}/run-uid"
WORK_LABEL = f"{API_GROUP}/work"
"""The label that says what a child does: a kind of work item, `serve` or `purge`."""
SERVE = "serve"
PURGE = "purge"
FINALIZER = f"{API_GROUP}/purge"
"""Holds a run whose results are deleted with it, until they are."""
ATTEMPT_LABEL = f"{API_GROUP}/attempt"
SERVER_LABEL = f"{API_GROUP}/server"
"""The label of a server: which one of the run's."""
ITEMS_ANNOTATION = f"{API_GROUP}/items"
"""The annotation with the keys of the items of a Job, in the order of its completions."""
MANIFEST_ANNOTATION = f"{API_GROUP}/manifest"
"""The annotation of a child with the digest of the manifest it was made from."""
SERVERS_ANNOTATION = f"{API_GROUP}/servers"
"""The annotation with the digest of what a Deployment was made from, replicas left out."""
COMPLETION_INDEX_ANNOTATION = "batch.kubernetes.io/job-completion-index"
FAILURE_COUNT_ANNOTATION = "batch.kubernetes.io/job-index-failure-count"
JOB_NAME_LABEL = "batch.kubernetes.io/job-name"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
RUN_NAME_CHARACTERS = 24
"""Of the run's name: with eight hexadecimal digits and the longest item, at most 59 of the 63 that a hostname has."""


def name_prefix(name: str, uid: str) -> str:
    """What all names of this run's children begin with."""
    return f"{name[:RUN_NAME_CHARACTERS].rstrip('-')}-{short_digest(uid)}"


def short_digest(*parts: str) -> str:
    """Eight hexadecimal digits for `parts`."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def job_name(run: str, items: tuple[WorkItem, ...]) -> str:
    """The Job for `items`, of one kind and attempt; `run` is the base. Items that share a Job are named by a digest:
    some of them are another Job than all.
    """
    first = items[0]
    if first.needs.accelerator:
        middle = f"{first.kind}-{short_digest(*(item.key for item in items))}"
    else:
        middle = "-".join(part for part in first.key.split(".") if part != GENERATORS)
    return f"{run}-{middle}-a{first.attempt}"


def child_labels(run: str, uid: str, work: str) -> dict[str, str]:
    """The labels of every child."""
    return {
        "app.kubernetes.io/name": "dataswarm",
        "app.kubernetes.io/managed-by": MANAGER,
        "app.kubernetes.io/component": work,
        RUN_LABEL: run,
        RUN_UID_LABEL: uid,
        WORK_LABEL: work,
    }


def join_keys(items: Iterable[WorkItem]) -> str:
    """The keys of `items` as an annotation, and a variable, has them."""
    return ",".join(item.key for item in items)
