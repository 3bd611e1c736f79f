"""The item: one question of a data set, as a record. All stages from the seed file to the export use this record.

Test takers see `shown_text`: the text, and below it the choices if `choices_shown`. The other fields are the answer
according to the writer or the data set, and the completion that contained the item.

Invariants: an item is a value. Two items are equal if all their fields are equal. Whether they are one question in two
spellings is for `swarm_core.canonical_items` to say. Texts are always shown as written.

Limits: `reference` is a claim of its source and may be wrong (`swarm_core.answer_check`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""The letters of choices, in their order."""


@dataclass(frozen=True, slots=True)
class Item:
    """One question."""

    text: str
    """The text of the question."""
    reference: str | None = None
    """The answer according to its writer or its data set. Takers never see it."""
    choices: tuple[str, ...] = ()
    """The answers to choose from; empty if the item is not multiple choice."""
    request: int = 0
    """The number of the completion that contained the item, counted from 0 over all rounds of its measurement."""
    meta: tuple[tuple[str, str], ...] = ()
    """Further data as pairs of name and value, sorted by name."""
    choices_shown: bool = False
    """Whether the choices stand below the text, each with its letter, where takers and judge models see the item."""

    @property
    def shown_text(self) -> str:
        """The text that takers and judge models see."""
        return "\n".join([self.text, *format_choices(self.choices)]) if self.choices_shown else self.text

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
        if self.choices_shown:
            fields["choices_shown"] = True
        return fields

    @classmethod
    def from_fields(cls, fields: Mapping[str, object]) -> "Item":
        """Return the item that `to_fields` wrote. Raises TypeError for an unknown field or a value of a wrong type."""
        rest = dict(fields)
        choices, meta = rest.pop("choices", ()), rest.pop("meta", {})
        if not isinstance(choices, Iterable) or not isinstance(meta, Mapping):
            raise TypeError(f"not an item: {dict(fields)!r}")
        return cls(**rest, choices=tuple(choices), meta=tuple(sorted(meta.items())))  # type: ignore[arg-type]


def format_choices(choices: Iterable[str]) -> tuple[str, ...]:
    """Return each choice after its letter, such as `A) Paris`. There are at most 26."""
    return tuple(f"{letter}) {choice}" for letter, choice in zip(LETTERS, choices, strict=False))


def build_items(texts: Iterable[str]) -> tuple[Item, ...]:
    """Return one item for each text, with all other fields at their defaults."""
    return tuple(map(Item, texts))


def get_texts(items: Iterable[Item]) -> tuple[str, ...]:
    """Return the text of each item."""
    return tuple(item.text for item in items)
