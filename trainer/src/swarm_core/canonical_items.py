"""The measure by which items are one item, whatever their spelling. Every comparison of items uses it.

If the judge knows a form that all spellings of an item share (`ports.Canonicalizer`), that form decides: `97*98` and
`98 × 97 = ?` are one item for the verifier of arithmetic. Otherwise the canonical text decides
(`swarm_core.text.canonical_text`).

Limits: near copies (`swarm_core.item_index`) and paraphrases are different items.
"""

from collections.abc import Iterable
from dataclasses import replace

from swarm_core.items import Item
from swarm_core.ports import Canonicalizer, Judge
from swarm_core.text.canonical_text import canonicalize


def canonicalize_item(item: Item, judge: Judge | None = None) -> str:
    """Return a text that all spellings of `item` share. It is for comparison and is never shown.

    `judge`: the judge of the run. Without it, only the canonical text decides.
    """
    form = find_form(item, judge)
    return f"text {canonicalize(item.text)}" if form is None else f"form {form}"


def find_form(item: Item, judge: Judge | None) -> str | None:
    """Return the form of `item` that the judge knows, of its text or of its canonical text; None if it knows none."""
    if isinstance(judge, Canonicalizer):
        for spelling in (item, replace(item, text=canonicalize(item.text))):
            if (form := judge.canonical(spelling)) is not None:
                return form
    return None


def select_distinct(items: Iterable[Item], judge: Judge | None = None) -> tuple[Item, ...]:
    """Return the first spelling of each item, in order."""
    given = tuple(items)
    return tuple(given[index] for index in find_first_spellings(given, judge).values())


def find_first_spellings(items: Iterable[Item], judge: Judge | None = None) -> dict[str, int]:
    """Return the index of the first spelling of each item, by canonical form, in order."""
    first: dict[str, int] = {}
    for index, item in enumerate(items):
        first.setdefault(canonicalize_item(item, judge), index)
    return first
