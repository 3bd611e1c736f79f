"""The gate that admits a text once: copies of one item say no more than the item.

It remembers what it has admitted, so an instance serves one measurement and is asked last but for gates that hold
nothing. Two texts are the same if their normal forms are (`swarm_core.text.normalization`).
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from swarm_core import part_config
from swarm_core.items import Item
from swarm_core.ports import Reply, Request
from swarm_core.text.normalization import normalize


class DuplicateGate:
    """Admits the first of equal texts."""

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "duplicate"

    def __init__(self) -> None:
        self.admitted: dict[str, str] = {}

    @classmethod
    def from_config(cls, config: Mapping[str, object]) -> "DuplicateGate":
        """Takes no config. Raises BadInputError for any."""
        part_config.check_fields("gate Duplicate", config)
        return cls()

    def requests(self, item: Item) -> tuple[Request, ...]:
        """None: texts are compared."""
        return ()

    def refusal(self, item: Item, replies: Sequence[Reply] = ()) -> str | None:
        """Which earlier item `item` repeats; None admits and remembers it."""
        form = normalize(item.text)
        if form in self.admitted:
            return f"repeats {self.admitted[form][:80]!r}"
        self.admitted[form] = item.text
        return None
