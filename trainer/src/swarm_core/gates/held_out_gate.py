"""The gate that rejects copies of held-out items, because data copied from a test set is not new.

Limits: it finds copies of a whole text with any case and spacing (`swarm_core.text.normalization`). It does not find
paraphrases.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from swarm_core.blocks.settings import Settings
from swarm_core.gates.gate_context import GateContext
from swarm_core.items import Item
from swarm_core.ports import Reply, Request
from swarm_core.text.normalization import normalize


class HeldOutGate:
    """Rejects the texts of held-out items."""

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "HeldOut"
    settings: ClassVar[type[Settings]] = Settings

    def __init__(self, held_out: Iterable[Item]) -> None:
        self.held_out = frozenset(normalize(item.text) for item in held_out)

    @classmethod
    def from_settings(cls, settings: Settings, context: GateContext) -> "HeldOutGate":
        """Return the gate for the held-out items of `context`."""
        return cls(context.held_out)

    def requests(self, item: Item) -> tuple[Request, ...]:
        """No requests, because the gate only compares texts."""
        return ()

    def refusal(self, item: Item, replies: Sequence[Reply] = ()) -> str | None:
        """Return the reason for a rejection, if the text of `item` is in the held-out data; None if it is not."""
        return "is in the held-out data" if normalize(item.text) in self.held_out else None
