"""What every child has: a name, labels, its owner; and the small ones that Jobs and servers rest on.

The order is in a ConfigMap that never changes; another order, after an edit, is another one. It holds no secret: keys
of the store and of servers stay in Secrets, and reach containers as references.
"""

from swarm_core.api.run import API_GROUP, API_VERSION
from swarm_operator.common import names
from swarm_operator.common.cluster_run import ClusterRun
from swarm_operator.common.reconcile_plan import Create, Object

ORDER_FILE = "order.json"
KEY_ENTRY = "key"
"""Entry of the Secret with the key that servers ask for."""


def child_metadata(run: ClusterRun, name: str, work: str, labels: Object | None = None) -> dict[str, object]:
    """The metadata of a child called `name`."""
    owner = {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": run.document.kind,
        "name": run.name,
        "uid": run.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "name": name,
        "namespace": run.namespace,
        "labels": {**names.child_labels(run.name, run.uid, work), **(labels or {})},
        "ownerReferences": [owner],
    }


def queue_labels(run: ClusterRun) -> dict[str, str]:
    """The label by which Kueue takes a child into its queue; none where the run names no queue."""
    return {names.QUEUE_LABEL: run.cluster.queue} if run.cluster.queue else {}


def config_map_name(run: ClusterRun) -> str:
    """The ConfigMap with the order."""
    return f"{run.name_prefix}-order-{names.short_digest(run.order_json)}"


def config_map(run: ClusterRun) -> Create:
    """The ConfigMap with the order."""
    return Create(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": child_metadata(run, config_map_name(run), "order"),
            "immutable": True,
            "data": {ORDER_FILE: run.order_json},
        }
    )


def cache_claim_name(run: ClusterRun) -> str | None:
    """The claim of the model cache; None where pods have folders of their own."""
    cache = run.cluster.model_cache
    if cache is None or cache.claim is None:
        return cache.existing_claim if cache else None
    return f"{run.name_prefix}-cache-{names.short_digest(cache.claim.model_dump_json())}"


def cache_claim(run: ClusterRun) -> tuple[Create, ...]:
    """The claim to be made for the model cache, if there is one."""
    cache = run.cluster.model_cache
    if cache is None or cache.claim is None:
        return ()
    name, settings = cache_claim_name(run), cache.claim
    assert name is not None
    spec: dict[str, object] = {
        "accessModes": [str(settings.access_mode)],
        "resources": {"requests": {"storage": settings.size}},
    }
    if settings.storage_class is not None:
        spec["storageClassName"] = settings.storage_class
    metadata = child_metadata(run, name, "cache")
    return (Create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}),)


def server_secret_name(run: ClusterRun) -> str:
    """The Secret with the key that servers ask for."""
    return f"{run.name_prefix}-servers"


def server_secret(run: ClusterRun) -> Create:
    """The Secret with the key that servers ask for: drawn by whoever makes it, and then kept."""
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": child_metadata(run, server_secret_name(run), names.SERVE),
    }
    return Create(manifest, secret=KEY_ENTRY)
