"""The item: one question of a data set, as a record that everything from seed file to export carries.

Test takers see `text` and nothing else. What else is known of an item travels with it: what its writer or its data set
says the answer is, what the choices are, and which completion brought it.

Invariants: an item is a value, equal to another when every field is. Where two items are compared as questions, their
texts are compared in normal form (`swarm_core.text.normalization`); where they are shown, they are shown as written.

Limits: `reference` is a claim, not a fact. It is as good as its source.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """One question."""

    text: str
    """What test takers see."""
    reference: str | None = None
    """What its writer or its data set says the answer is; never shown to takers."""
    choices: tuple[str, ...] = ()
    """The answers to choose from, where there are any."""
    request: int = 0
    """The number of the completion that brought it within its measurement, over all rounds, from 0."""
    meta: tuple[tuple[str, str], ...] = ()
    """Anything else, as pairs of name and value sorted by name."""

    def to_fields(self) -> dict[str, object]:
        """The item as a JSON object: the text, and every other field that is not at its default."""
        fields: dict[str, object] = {"text": self.text}
        if self.reference is not None:
            fields["reference"] = self.reference
        if self.choices:
            fields["choices"] = list(self.choices)
        if self.request:
            fields["request"] = self.request
        if self.meta:
            fields["meta"] = dict(self.meta)
        return fields

    @classmethod
    def from_fields(cls, fields: Mapping[str, object]) -> "Item":
        """The item that `to_fields` wrote. Raises TypeError for a field that an item does not have."""
        rest = dict(fields)
        choices, meta = rest.pop("choices", ()), rest.pop("meta", {})
        if not isinstance(choices, Iterable) or not isinstance(meta, Mapping):
            raise TypeError(f"not an item: {dict(fields)!r}")
        return cls(**rest, choices=tuple(choices), meta=tuple(sorted(meta.items())))  # type: ignore[arg-type]


def build_items(texts: Iterable[str]) -> tuple[Item, ...]:
    """One item of each text, of which nothing else is known."""
    return tuple(map(Item, texts))


def get_texts(items: Iterable[Item]) -> tuple[str, ...]:
    """What test takers see of each item."""
    return tuple(item.text for item in items)


def select_distinct(items: Iterable[Item]) -> tuple[Item, ...]:
    """The first item of each text, in order."""
    found: dict[str, Item] = {}
    for item in items:
        found.setdefault(item.text, item)
    return tuple(found.values())
