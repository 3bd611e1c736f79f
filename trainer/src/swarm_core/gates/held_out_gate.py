"""The gate that rejects copies of held-out items and of the reference set, because data copied from a test set is not
new.

Limits: it finds copies of a whole item in any spelling (`swarm_core.canonical_items`), and near copies if its settings
say so. It does not find paraphrases.
"""

from collections.abc import Sequence
from typing import ClassVar

from swarm_core.gates.copy_settings import CopySettings
from swarm_core.gates.gate_context import GateContext
from swarm_core.item_index import ItemIndex
from swarm_core.items import Item
from swarm_core.ports import Reply, Request


class HeldOutGate:
    """Rejects held-out items in any spelling."""

    revision: ClassVar[int] = 4
    name: ClassVar[str] = "HeldOut"
    settings: ClassVar[type[CopySettings]] = CopySettings

    def __init__(self, held_out: ItemIndex, similarity: float | None = None) -> None:
        self.similarity = similarity
        self.held_out = held_out

    @classmethod
    def from_settings(cls, settings: CopySettings, context: GateContext) -> "HeldOutGate":
        """Return the gate for the held-out items of `context`."""
        return cls(context.held_out, settings.similarity)

    def requests(self, item: Item) -> tuple[Request, ...]:
        """No requests, because the gate only compares texts."""
        return ()

    def refusal(self, item: Item, replies: Sequence[Reply] = ()) -> str | None:
        """Return the reason for a rejection, if `item` is in the held-out data; None if it is not."""
        return "is in the held-out data" if self.held_out.find(item, self.similarity) else None
