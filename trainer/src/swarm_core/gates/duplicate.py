"""The gate that admits each item once, because copies of an item add no information.

It remembers the items that it admitted, so an instance is used for one measurement only. `swarm_core.canonical_items`
says which items are one item in two spellings.
"""

from collections.abc import Sequence
from typing import ClassVar

from swarm_core.blocks.settings import Settings
from swarm_core.gates.gate_context import GateContext
from swarm_core.item_index import ItemIndex
from swarm_core.items import Item
from swarm_core.ports import Judge, Reply, Request


class DuplicateGate:
    """Admits the first spelling of an item."""

    revision: ClassVar[int] = 2
    name: ClassVar[str] = "Duplicate"
    settings: ClassVar[type[Settings]] = Settings

    def __init__(self, judge: Judge | None = None) -> None:
        self.admitted = ItemIndex(judge=judge)

    @classmethod
    def from_settings(cls, settings: Settings, context: GateContext) -> "DuplicateGate":
        """Return a gate that remembers nothing yet."""
        return cls(context.judge)

    def requests(self, item: Item) -> tuple[Request, ...]:
        """No requests, because the gate only compares texts."""
        return ()

    def refusal(self, item: Item, replies: Sequence[Reply] = ()) -> str | None:
        """Return the earlier item that `item` repeats; None admits and remembers the item."""
        if found := self.admitted.find(item):
            return f"repeats {found.text[:80]!r}"
        self.admitted.add(item)
        return None
