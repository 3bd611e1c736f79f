"""The item: one question of a data set, as a record. All stages from the seed file to the export use this record.

Test takers see only `text`. The other fields are the answer according to the writer or the data set, the choices, and
the completion that contained the item.

Invariants: an item is a value. Two items are equal if all their fields are equal. Whether they are one question in two
spellings is for `swarm_core.canonical_items` to say. Texts are always shown as written.

Limits: `reference` is a claim of its source and may be wrong.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """One question."""

    text: str
    """The text that test takers see."""
    reference: str | None = None
    """The answer according to its writer or its data set. Takers never see it."""
    choices: tuple[str, ...] = ()
    """The answers to choose from; empty if the item is not multiple choice."""
    request: int = 0
    """The number of the completion that contained the item, counted from 0 over all rounds of its measurement."""
    meta: tuple[tuple[str, str], ...] = ()
    """Further data as pairs of name and value, sorted by name."""

    def to_fields(self) -> dict[str, object]:
        """Return the item as a JSON object: the text, and every other field that does not have its default."""
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
        """Return the item that `to_fields` wrote. Raises TypeError for an unknown field or a value of a wrong type."""
        rest = dict(fields)
        choices, meta = rest.pop("choices", ()), rest.pop("meta", {})
        if not isinstance(choices, Iterable) or not isinstance(meta, Mapping):
            raise TypeError(f"not an item: {dict(fields)!r}")
        return cls(**rest, choices=tuple(choices), meta=tuple(sorted(meta.items())))  # type: ignore[arg-type]


def build_items(texts: Iterable[str]) -> tuple[Item, ...]:
    """Return one item for each text, with all other fields at their defaults."""
    return tuple(map(Item, texts))


def get_texts(items: Iterable[Item]) -> tuple[str, ...]:
    """Return the text of each item."""
    return tuple(item.text for item in items)
