"""Names and labels of the children of a run.

A name depends only on the name and uid of the run and on the purpose of the child. So creating a child twice yields one
object, and a run that is created again under the same name never adopts the children of the earlier run. Every name
fits in a label value, including the index that an Indexed Job appends to the names of its pods.
"""

import hashlib
from collections.abc import Iterable

from swarm_core.api.run import API_GROUP
from swarm_core.engine.work import WorkItem
from swarm_core.swarm_names import GENERATORS

MANAGER = "dataswarm-operator"
"""The name of the operator as field manager, event source and `app.kubernetes.io/managed-by`."""
RUN_LABEL, RUN_UID_LABEL = f"{API_GROUP}/run", f"{API_GROUP}/run-uid"
WORK_LABEL = f"{API_GROUP}/work"
"""The label with the purpose of a child: a kind of work item, `serve` or `purge`."""
MAIN_CONTAINER = "main"
"""The name of our container in every pod. Others may have been added when the pod was admitted."""
SERVE = "serve"
PURGE = "purge"
FINALIZER = f"{API_GROUP}/purge"
"""The finalizer of a run with `deletionPolicy: Purge`. It holds the run until its results are deleted."""
ATTEMPT_LABEL = f"{API_GROUP}/attempt"
SERVER_LABEL = f"{API_GROUP}/server"
"""The label with the index of a server among the servers of its run."""
ITEMS_ANNOTATION = f"{API_GROUP}/items"
"""The annotation with the keys of a Job's items, in the order of its completion indexes."""
MANIFEST_ANNOTATION = f"{API_GROUP}/manifest"
"""The annotation with the digest of the manifest that a child was created from."""
SERVERS_ANNOTATION = f"{API_GROUP}/servers"
"""The annotation with the digest of the manifest of a Deployment, without the replicas."""
COMPLETION_INDEX_ANNOTATION = "batch.kubernetes.io/job-completion-index"
FAILURE_COUNT_ANNOTATION = "batch.kubernetes.io/job-index-failure-count"
JOB_NAME_LABEL = "batch.kubernetes.io/job-name"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
RUN_NAME_CHARACTERS = 24
"""Characters of the run's name that go into a child's name.

With eight hexadecimal digits and the longest item, a name has at most 59 of the 63 characters of a hostname.
"""


def name_prefix(name: str, uid: str) -> str:
    """The prefix of the names of all children of a run."""
    return f"{name[:RUN_NAME_CHARACTERS].rstrip('-')}-{short_digest(uid)}"


def short_digest(*parts: str) -> str:
    """Eight hexadecimal digits of the SHA-256 of `parts`."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def job_name(run: str, items: tuple[WorkItem, ...]) -> str:
    """The name of the Job for `items`, which have one kind and one attempt; `run` is the name prefix of the run.

    The name of a shared Job contains a digest of its items, because a Job for some of them is not the Job for all of
    them.
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
    """The keys of `items`, joined by commas, as annotations and variables hold them."""
    return ",".join(item.key for item in items)
