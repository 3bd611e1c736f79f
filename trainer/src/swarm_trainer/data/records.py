"""A record of a data file: its place for messages, and its fields.

The values of fields are those of JSON, except that a number is a `Number`, which keeps it as it was written. So `0.10`
and an integer of any length survive.
"""

from collections.abc import Mapping
from dataclasses import dataclass

TEXT_FIELD = "text"
"""The field of a record that is a bare string."""


class Number(str):
    """A number as it was written."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a data file."""

    place: str
    """Where it is in the file, such as `line 3` or `row 3`, counted from 1."""
    fields: Mapping[str, object]


TYPE_NAMES: Mapping[type, str] = {
    Number: "a number",
    str: "a string",
    bool: "true or false",
    type(None): "null",
    list: "a list",
    dict: "an object",
    bytes: "binary data",
}


def describe_type(value: object) -> str:
    """The type of a value in the words of JSON."""
    return TYPE_NAMES.get(type(value), f"a value of type {type(value).__name__}")
