"""What every child has: a name, labels, its owner; and the small ones that Jobs and servers rest on.

The order is in a ConfigMap that never changes; another order, after an edit, is another one. It holds no secret: keys
of the store and of servers stay in Secrets, and reach containers as references.
"""

from swarm_core.api.run import GROUP, VERSION
from swarm_operator import names
from swarm_operator.orders import Order
from swarm_operator.plan import Create, Object

ORDER_FILE = "order.json"
KEY_ENTRY = "key"
"""Entry of the Secret with the key that servers ask for."""


def metadata(order: Order, name: str, work: str, labels: Object | None = None) -> dict[str, object]:
    """The metadata of a child called `name`."""
    owner = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": order.run.kind,
        "name": order.name,
        "uid": order.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "name": name,
        "namespace": order.namespace,
        "labels": {**names.labels(order.name, order.uid, work), **(labels or {})},
        "ownerReferences": [owner],
    }


def queue(order: Order) -> dict[str, str]:
    """The label by which Kueue takes a child into its queue; none where the run names no queue."""
    return {names.QUEUE: order.cluster.queue} if order.cluster.queue else {}


def order_name(order: Order) -> str:
    """The ConfigMap with the order."""
    return f"{order.base}-order-{names.short(order.text)}"


def config(order: Order) -> Create:
    """The ConfigMap with the order."""
    return Create(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata(order, order_name(order), "order"),
            "immutable": True,
            "data": {ORDER_FILE: order.text},
        }
    )


def cache_name(order: Order) -> str | None:
    """The claim of the model cache; None where pods have folders of their own."""
    cache = order.cluster.model_cache
    if cache is None or cache.claim is None:
        return cache.existing_claim if cache else None
    return f"{order.base}-cache-{names.short(cache.claim.model_dump_json())}"


def claim(order: Order) -> tuple[Create, ...]:
    """The claim to be made for the model cache, if there is one."""
    cache = order.cluster.model_cache
    if cache is None or cache.claim is None:
        return ()
    name, asked = cache_name(order), cache.claim
    assert name is not None
    spec: dict[str, object] = {
        "accessModes": [str(asked.access_mode)],
        "resources": {"requests": {"storage": asked.size}},
    }
    if asked.storage_class is not None:
        spec["storageClassName"] = asked.storage_class
    about = metadata(order, name, "cache")
    return (Create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": about, "spec": spec}),)


def key_name(order: Order) -> str:
    """The Secret with the key that servers ask for."""
    return f"{order.base}-servers"


def key(order: Order) -> Create:
    """The Secret with the key that servers ask for: drawn by whoever makes it, and then kept."""
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": metadata(order, key_name(order), names.SERVE),
    }
    return Create(manifest, secret=KEY_ENTRY)
