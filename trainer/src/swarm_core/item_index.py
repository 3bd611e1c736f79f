"""An index of items that finds the item of which another is a copy. Every gate against copies uses it.

`swarm_core.canonical_items` says which items are one item in two spellings. An item that holds the whole text of
another one, with words around it, is a copy, too (`swarm_core.padded_copies`). A near copy is an item whose canonical
text differs in few characters: two texts whose normalized Indel similarity is at least a threshold. It is
1 - d / (m + n) for texts of m and n characters and d insertions and deletions (`rapidfuzz.distance.Indel`). Two items
are never near copies if their numbers differ. If the judge has a form for both, the forms alone decide.

The forms and texts of the items are computed at the first search, once. So create the index of many items once, and
share it between measurements.

Limits: the similarity compares characters. A negation, or another name in a template, is a near copy; a paraphrase is
not.
"""

import re
from collections.abc import Iterable
from functools import cached_property

from swarm_core.canonical_items import canonicalize_item, find_form
from swarm_core.items import Item
from swarm_core.padded_copies import PaddedCopyIndex
from swarm_core.ports import Judge
from swarm_core.text.canonical_text import canonicalize

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
Numbers = tuple[str, ...]


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

    @cached_property
    def _padded(self) -> tuple[PaddedCopyIndex, list[Item]]:
        items = list(self._first_spellings.values())
        return PaddedCopyIndex(item.text for item in items), items

    @cached_property
    def _texts(self) -> "TextIndex":
        texts = TextIndex(self._judge)
        for item in self._first_spellings.values():
            texts.add(item)
        return texts

    def find(self, item: Item, similarity: float | None = None) -> Item | None:
        """Return the first item of the index that is `item` in any spelling, or else one whose text it holds, or else
        its most similar near copy.

        `similarity`: the least similarity of a near copy, from 0 to 1; None if near copies are different items.
        """
        found = self._first_spellings.get(canonicalize_item(item, self._judge)) or self._find_padded(item)
        return found if found or similarity is None else self._texts.find(item, similarity)

    def _find_padded(self, item: Item) -> Item | None:
        """Return the first item whose text `item` holds; None if it holds none."""
        index, items = self._padded
        held = sorted(index.find(item.text))
        has_form = bool(held) and find_form(item, self._judge) is not None
        return next(
            (items[place] for place in held if not (has_form and find_form(items[place], self._judge) is not None)),
            None,
        )

    def add(self, item: Item) -> None:
        """Add an item. An earlier spelling of it stays the first."""
        form = canonicalize_item(item, self._judge)
        if form not in self._first_spellings:
            self._first_spellings[form] = item
            if "_texts" in vars(self):  # otherwise they are made of all items when they are first needed
                self._texts.add(item)
            if "_padded" in vars(self):
                self._padded[0].add(item.text)
                self._padded[1].append(item)


class TextIndex:
    """The canonical texts of items, by their numbers and by whether the judge has a form for them."""

    def __init__(self, judge: Judge | None) -> None:
        self._judge = judge
        self._groups: dict[tuple[Numbers, bool], tuple[list[str], list[Item]]] = {}

    def add(self, item: Item) -> None:
        """Add an item."""
        text = canonicalize(item.text)
        key = (find_numbers(text), find_form(item, self._judge) is not None)
        texts, items = self._groups.setdefault(key, ([], []))
        texts.append(text)
        items.append(item)

    def find(self, item: Item, similarity: float) -> Item | None:
        """Return the most similar near copy of `item`, and of several the first; None if there is none."""
        from rapidfuzz import process  # noqa: PLC0415 (the API imports this module, and the operator has no rapidfuzz)
        from rapidfuzz.distance import Indel  # noqa: PLC0415

        text = canonicalize(item.text)
        has_form = find_form(item, self._judge) is not None
        best, found = similarity, None
        for other_has_form in (False,) if has_form else (False, True):
            texts, items = self._groups.get((find_numbers(text), other_has_form), ([], []))
            near = process.extractOne(text, texts, scorer=Indel.normalized_similarity, score_cutoff=best)
            if near is not None and (found is None or near[1] > best):
                best, found = near[1], items[near[2]]
        return found


def find_numbers(text: str) -> Numbers:
    """Return the numbers in a canonical text, in order."""
    return tuple(NUMBER.findall(text))
