"""An index of items that finds the item of which another is a copy. Every gate against copies uses it.

`swarm_core.canonical_items` says which items are one item in two spellings. The forms of the items are computed at the
first search, once. So create the index of many items once, and share it between measurements.
"""

from collections.abc import Iterable
from functools import cached_property

from swarm_core.canonical_items import canonicalize_item
from swarm_core.items import Item
from swarm_core.ports import Judge


class ItemIndex:
    """Items in order, and the search for copies among them. An item may be added."""

    def __init__(self, items: Iterable[Item] = (), judge: Judge | None = None) -> None:
        self._given = tuple(items)
        self._judge = judge

    @property
    def items(self) -> tuple[Item, ...]:
        """The items that the index was created with."""
        return self._given

    def __len__(self) -> int:
        return len(self._given)

    @cached_property
    def _first_spellings(self) -> dict[str, Item]:
        first: dict[str, Item] = {}
        for item in self._given:
            first.setdefault(canonicalize_item(item, self._judge), item)
        return first

    def find(self, item: Item) -> Item | None:
        """Return the first item of the index that is `item` in any spelling; None if there is none."""
        return self._first_spellings.get(canonicalize_item(item, self._judge))

    def add(self, item: Item) -> None:
        """Add an item. An earlier spelling of it stays the first."""
        self._first_spellings.setdefault(canonicalize_item(item, self._judge), item)
