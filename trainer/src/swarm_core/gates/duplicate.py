"""The gate that admits each text once, because copies of an item add no information.

It remembers the items that it admitted, so an instance is used for one measurement only. Two texts are equal if their
normal forms are equal (`swarm_core.text.normalization`).
"""

from collections.abc import Sequence
from typing import ClassVar

from swarm_core.blocks.settings import Settings
from swarm_core.gates.gate_context import GateContext
from swarm_core.items import Item
from swarm_core.ports import Reply, Request
from swarm_core.text.normalization import normalize


class DuplicateGate:
    """Admits the first of equal texts."""

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "Duplicate"
    settings: ClassVar[type[Settings]] = Settings

    def __init__(self) -> None:
        self.admitted: dict[str, str] = {}

    @classmethod
    def from_settings(cls, settings: Settings, context: GateContext) -> "DuplicateGate":
        """Return a gate that remembers nothing yet."""
        return cls()

    def requests(self, item: Item) -> tuple[Request, ...]:
        """No requests, because the gate only compares texts."""
        return ()

    def refusal(self, item: Item, replies: Sequence[Reply] = ()) -> str | None:
        """Return the earlier item that `item` repeats; None admits and remembers the item."""
        form = normalize(item.text)
        if form in self.admitted:
            return f"repeats {self.admitted[form][:80]!r}"
        self.admitted[form] = item.text
        return None
