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


def child_metadata(order: ClusterRun, name: str, work: str, labels: Object | None = None) -> dict[str, object]:
    """The metadata of a child called `name`."""
    owner = {
        "apiVersion": f"{API_GROUP}/{API_VERSION}",
        "kind": order.run.kind,
        "name": order.name,
        "uid": order.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "name": name,
        "namespace": order.namespace,
        "labels": {**names.child_labels(order.name, order.uid, work), **(labels or {})},
        "ownerReferences": [owner],
    }


def queue_labels(order: ClusterRun) -> dict[str, str]:
    """The label by which Kueue takes a child into its queue; none where the run names no queue."""
    return {names.QUEUE_LABEL: order.cluster.queue} if order.cluster.queue else {}


def config_map_name(order: ClusterRun) -> str:
    """The ConfigMap with the order."""
    return f"{order.base}-order-{names.short_digest(order.text)}"


def config_map(order: ClusterRun) -> Create:
    """The ConfigMap with the order."""
    return Create(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": child_metadata(order, config_map_name(order), "order"),
            "immutable": True,
            "data": {ORDER_FILE: order.text},
        }
    )


def cache_claim_name(order: ClusterRun) -> str | None:
    """The claim of the model cache; None where pods have folders of their own."""
    cache = order.cluster.model_cache
    if cache is None or cache.claim is None:
        return cache.existing_claim if cache else None
    return f"{order.base}-cache-{names.short_digest(cache.claim.model_dump_json())}"


def cache_claim(order: ClusterRun) -> tuple[Create, ...]:
    """The claim to be made for the model cache, if there is one."""
    cache = order.cluster.model_cache
    if cache is None or cache.claim is None:
        return ()
    name, asked = cache_claim_name(order), cache.claim
    assert name is not None
    spec: dict[str, object] = {
        "accessModes": [str(asked.access_mode)],
        "resources": {"requests": {"storage": asked.size}},
    }
    if asked.storage_class is not None:
        spec["storageClassName"] = asked.storage_class
    about = child_metadata(order, name, "cache")
    return (Create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": about, "spec": spec}),)


def server_secret_name(order: ClusterRun) -> str:
    """The Secret with the key that servers ask for."""
    return f"{order.base}-servers"


def server_secret(order: ClusterRun) -> Create:
    """The Secret with the key that servers ask for: drawn by whoever makes it, and then kept."""
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": child_metadata(order, server_secret_name(order), names.SERVE),
    }
    return Create(manifest, secret=KEY_ENTRY)
