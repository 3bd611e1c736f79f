"""Where receipts stand in the store."""

from swarm_core.engine.work import Receipt
from swarm_core.ports import ArtifactStore


def key(item: str) -> str:
    """The place of a work item's receipt, by the item's key."""
    return f"receipts/{item}.json"


def load(store: ArtifactStore, item: str) -> Receipt | None:
    """The receipt of a finished work item."""
    data = store.read(key(item))
    return None if data is None else Receipt.from_bytes(data)
