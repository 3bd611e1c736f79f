"""Builds the metadata of every child, and the small objects that Jobs and servers need.

The order is in an immutable ConfigMap; an edited spec yields a ConfigMap with another name. The order contains no
secret: keys stay in Secrets, and containers get them by reference.
"""

from swarm_core.api.run import API_GROUP, API_VERSION
from swarm_operator.common import names
from swarm_operator.common.cluster_run import ClusterRun
from swarm_operator.common.reconcile_plan import Create, Object

ORDER_FILE = "order.json"
KEY_ENTRY = "key"
"""The entry of the servers' Secret that holds their API key."""


def child_metadata(run: ClusterRun, name: str, work: str, labels: Object | None = None) -> dict[str, object]:
    """The metadata of a child with this name."""
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
    """The label by which Kueue admits a child to its queue. Empty if the run names no queue."""
    return {names.QUEUE_LABEL: run.cluster.queue} if run.cluster.queue else {}


def config_map_name(run: ClusterRun) -> str:
    """The name of the ConfigMap with the order."""
    return f"{run.name_prefix}-order-{names.short_digest(run.order_json)}"


def config_map(run: ClusterRun) -> Create:
    """Create the ConfigMap with the order."""
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
    """The name of the claim for the model cache. None if each pod has its own folder."""
    cache = run.cluster.model_cache
    if cache is None or cache.claim is None:
        return cache.existing_claim if cache else None
    return f"{run.name_prefix}-cache-{names.short_digest(cache.claim.model_dump_json())}"


def cache_claim(run: ClusterRun) -> tuple[Create, ...]:
    """Create the claim for the model cache. Empty if the run needs none."""
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
    """The name of the Secret with the API key of the servers."""
    return f"{run.name_prefix}-servers"


def server_secret(run: ClusterRun) -> Create:
    """Create the Secret with the API key of the servers. The executor generates the key once; later it is kept."""
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": child_metadata(run, server_secret_name(run), names.SERVE),
    }
    return Create(manifest, secret=KEY_ENTRY)
