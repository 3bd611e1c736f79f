"""Builds an item from a record by a field mapping, or says why the record gives none.

A record without a text is left out and counted. A value of a wrong type, half of a surrogate pair and a zero byte are
refused with file and line, because they show that the file or the mapping is not what the user thinks.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from swarm_core.errors import BadInputError, list_names
from swarm_core.items import Item
from swarm_core.text import item_parser, thinking
from swarm_trainer.data import chat_messages, field_mapping
from swarm_trainer.data.field_mapping import MISSING, FieldMapping
from swarm_trainer.data.records import Number, Record

NO_TEXT = "without text"
"""Why a record is left out: its text is null or blank, or no message is a user's."""


@dataclass(frozen=True, slots=True)
class ItemBuilder:
    """Builds the items of one file."""

    path: str
    """The file, for messages."""
    mapping: FieldMapping

    def build(self, record: Record) -> Item | None:
        """The item of a record; None if its text is null or blank. Raises BadInputError."""
        source, fields = f"{self.path} {record.place}", self.mapping.fields
        value = field_mapping.get_value(record.fields, fields.text)
        if value is MISSING:
            raise BadInputError(
                f"{source}: no field {fields.text!r} (it has {list_names(record.fields)}); add it, or set"
                f" {field_mapping.FIELDS}.text to the field that holds the text"
            )
        text, reply = self._read_text(source, value)
        if fields.input is not None:
            further = field_mapping.get_value(record.fields, fields.input)
            text = "\n\n".join(filter(None, (text, read_string(source, "input", fields.input, further))))
        if not text:
            return None
        choices = self._read_choices(source, record.fields)
        reference = self._read_reference(source, record.fields, choices)
        return Item(text, reference=reference if fields.reference else reply, choices=tuple(choices.values()))

    def _read_text(self, source: str, value: object) -> tuple[str | None, str | None]:
        """The text, and the reply to it if it is a chat."""
        if chat_messages.is_chat(value) and isinstance(value, list):
            text, reply = chat_messages.find_turn(value)
            return clean(source, text), clean(source, reply)
        return read_string(source, "text", self.mapping.fields.text, value), None

    def _read_choices(self, source: str, fields: Mapping[str, object]) -> dict[str, str]:
        """The choices by their labels, which are letters if the record gives none."""
        path = self.mapping.fields.choices
        value = MISSING if path is None else field_mapping.get_value(fields, path)
        if path is None or value is MISSING or value is None:
            return {}
        labels: object = None
        if isinstance(value, Mapping) and field_mapping.is_labeled_choices(value):
            whole = isinstance(value.get("text"), list)
            value, labels = (value["text"], value.get("label")) if whole else (list(value.values()), list(value))
        texts = [read_answer(source, one) for one in value] if isinstance(value, list) else [None]
        if None in texts:
            raise field_mapping.describe_wrong_type(source, "choices", path, value)
        if not isinstance(labels, list) or len(labels) != len(texts):
            labels = [chr(ord("A") + place) for place in range(len(texts))]
        return {str(label): text for label, text in zip(labels, texts, strict=True) if text is not None}

    def _read_reference(self, source: str, fields: Mapping[str, object], choices: Mapping[str, str]) -> str | None:
        path = self.mapping.fields.reference
        value = MISSING if path is None else field_mapping.get_value(fields, path)
        if path is None or value is MISSING or value is None:
            return None
        reference = read_answer(source, value)
        if reference is None and not (isinstance(value, str) and not value.strip()):
            raise field_mapping.describe_wrong_type(source, "reference", path, value)
        return reference if reference is None else find_choice(source, value, reference, choices)


def find_choice(source: str, value: object, reference: str, choices: Mapping[str, str]) -> str:
    """The choice that a reference means: by its text, its label or its place from 0. Raises BadInputError."""
    texts = list(choices.values())
    if not choices or reference in texts:
        return reference
    if reference in choices:
        return choices[reference]
    if isinstance(value, Number) and reference.isdecimal() and int(reference) < len(texts):
        return texts[int(reference)]
    raise BadInputError(
        f"{source}: the reference {reference[:60]!r} is none of the {len(texts)} choices; give one of them, its letter,"
        " or its place as a number from 0, or leave data.fields.choices out"
    )


def read_string(source: str, part: str, path: str, value: object) -> str | None:
    """A string of a record, cleaned; None if it is null or blank. Raises BadInputError for another type."""
    if value is None or value is MISSING:
        return None
    if not isinstance(value, str) or isinstance(value, Number):
        raise field_mapping.describe_wrong_type(source, part, path, value)
    return clean(source, value)


def read_answer(source: str, value: object) -> str | None:
    """An answer as text: a string, a number as it was written, true or false. None for a blank or another type."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Number) and value.lstrip("-+").lower() in {"nan", "inf", "infinity"}:
        raise BadInputError(f"{source}: the answer is {value!s}, which is no number; correct it, or write null")
    return clean(source, value) if isinstance(value, str) else None


def clean(source: str, text: str | None) -> str | None:
    """A text in the form that items have; None if it is blank. Raises BadInputError for text that is no Unicode."""
    if text is None:
        return None
    text = item_parser.normalize_lines(text)
    if "\0" in text:
        raise BadInputError(f"{source}: the text has a zero byte (U+0000); remove it")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise BadInputError(
                f"{source}: the text has half of a surrogate pair (U+{ord(text[error.start]):04X}), as texts have that"
                " were cut within an emoji; remove it"
            ) from error
    return None if thinking.is_blank(text) else text
