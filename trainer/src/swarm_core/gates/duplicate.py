"""The gate that admits each item once, because copies of an item add no information.

It remembers the items that it admitted, so an instance is used for one measurement only. `swarm_core.canonical_items`
says which items are one item in two spellings, and `swarm_core.item_index` which are near copies.
"""

from collections.abc import Sequence
from typing import ClassVar

from swarm_core.gates.copy_settings import CopySettings
from swarm_core.gates.gate_context import GateContext
from swarm_core.item_index import ItemIndex
from swarm_core.items import Item
from swarm_core.ports import Judge, Reply, Request


class DuplicateGate:
    """Admits the first spelling of an item."""

    revision: ClassVar[int] = 4
    name: ClassVar[str] = "Duplicate"
    settings: ClassVar[type[CopySettings]] = CopySettings

    def __init__(self, judge: Judge | None = None, similarity: float | None = None) -> None:
        self.similarity = similarity
        self.admitted = ItemIndex(judge=judge)

    @classmethod
    def from_settings(cls, settings: CopySettings, context: GateContext) -> "DuplicateGate":
        """Return a gate that remembers nothing yet."""
        return cls(context.judge, settings.similarity)

    def requests(self, item: Item) -> tuple[Request, ...]:
        """No requests, because the gate only compares texts."""
        return ()

    def refusal(self, item: Item, replies: Sequence[Reply] = ()) -> str | None:
        """Return the earlier item that `item` repeats; None admits and remembers the item."""
        if found := self.admitted.find(item, self.similarity):
            return f"repeats {found.text[:80]!r}"
        self.admitted.add(item)
        return None
