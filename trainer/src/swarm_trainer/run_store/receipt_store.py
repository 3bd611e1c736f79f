"""Stores the receipts of work items."""

from swarm_core.engine.work import Receipt
from swarm_core.ports import ArtifactStore


def key(item: str) -> str:
    """Return the key of a work item's receipt, from the item's key."""
    return f"receipts/{item}.json"


def load(store: ArtifactStore, item: str) -> Receipt | None:
    """Load the receipt of a work item; None if the item is not finished. Raises StoreError."""
    data = store.read(key(item))
    return None if data is None else Receipt.from_bytes(data)


def publish(store: ArtifactStore, receipt: Receipt) -> Receipt:
    """Publish a receipt; return the one that the store has, because the first write wins. Raises StoreError."""
    return Receipt.from_bytes(store.publish(key(receipt.key), receipt.to_bytes()))
