"""Seed data: a JSON Lines file, read strictly, and its division into what is trained on and what is kept back.

Invariants: order is the file's; texts are distinct; whether an item is held out depends on the seed and on the set of
texts, never on their order.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from swarm_core.errors import BadInputError
from swarm_core.items import Item

REFERENCE_FIELD, CHOICES_FIELD = "reference", "choices"
"""The fields of a line that say what the right answer is, and what there is to choose from; it need not have them."""


@dataclass(frozen=True, slots=True)
class SeedItem:
    """One seed item."""

    item: Item
    cluster: str | None = None
    """The cluster that the file names, where it does."""


@dataclass(frozen=True, slots=True)
class SeedFile:
    """What a file holds."""

    items: tuple[SeedItem, ...]
    duplicates: int
    """Lines left out because their text had come before."""


def read(path: Path, field: str, cluster_field: str | None = None) -> SeedFile:
    """The items of a JSON Lines file: the text in `field`, the cluster's name in `cluster_field`.

    A line may also say the right answer in `reference`, a string, and what there is to choose from in `choices`, a list
    of strings. Blank lines are skipped. Raises BadInputError naming file and line for everything that cannot be used.
    """
    items: dict[str, SeedItem] = {}
    lines = 0
    for number, line in enumerate(_read_lines(path), 1):
        if line.strip():
            lines += 1
            seed = _parse_item(f"{path} line {number}", line, field, cluster_field)
            items.setdefault(seed.item.text, seed)
    if not items:
        raise BadInputError(f'{path}: holds no items; give one JSON object per line, such as {{"{field}": "..."}}')
    return SeedFile(tuple(items.values()), lines - len(items))


def split(items: Sequence[SeedItem], held_out: float, seed: int) -> tuple[tuple[SeedItem, ...], tuple[SeedItem, ...]]:
    """(to train on, held out): the round(held_out * n) items with the lowest hash of seed and text, in file order.

    Raises BadInputError if nothing would be left to train on, or nothing held out though a share above 0 is asked for.
    """
    count = round(held_out * len(items))
    if count >= len(items) or (held_out > 0 and count == 0):
        raise BadInputError(
            f"heldOut {held_out} of {len(items)} items keeps back {count}; give more items or another share"
        )
    ranked = sorted(items, key=lambda one: hashlib.sha256(f"{seed}:{one.item.text}".encode()).digest())
    kept = {one.item.text for one in ranked[:count]}
    return (
        tuple(one for one in items if one.item.text not in kept),
        tuple(one for one in items if one.item.text in kept),
    )


def _read_lines(path: Path) -> list[str]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read ({error.strerror}); give a JSON Lines file") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInputError(f"{path} line {line}: not UTF-8 ({error.reason}); save the file as UTF-8") from error
    return text.split("\n")  # splitlines() would also cut at U+2028, which JSON allows inside a string


def _parse_item(place: str, line: str, field: str, cluster_field: str | None) -> SeedItem:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise BadInputError(f"{place}: not JSON ({error}); give one JSON object per line") from error
    if not isinstance(record, dict):
        raise BadInputError(f"{place}: {type(record).__name__}, not an object; give one JSON object per line")
    text = _get_text(place, record, field)
    known = {name: record.get(name) for name in (REFERENCE_FIELD, CHOICES_FIELD) if name != field}
    item = Item(
        text,
        reference=_check_reference(place, known.get(REFERENCE_FIELD)),
        choices=_check_choices(place, known.get(CHOICES_FIELD)),
    )
    return SeedItem(item, None if cluster_field is None else _get_text(place, record, cluster_field))


def _check_reference(place: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise BadInputError(
        f"{place}: field {REFERENCE_FIELD!r} is {type(value).__name__}, not a string; put the right answer in quotes,"
        " or rename a field that means something else"
    )


def _check_choices(place: str, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(value)
    raise BadInputError(
        f"{place}: field {CHOICES_FIELD!r} is not a list of strings; list the answers to choose from, or rename a field"
        " that means something else"
    )


def _get_text(place: str, record: dict[str, object], field: str) -> str:
    if field not in record:
        has = ", ".join(sorted(record)) or "nothing"
        raise BadInputError(f"{place}: no field {field!r} (it has {has}); add it or name the field that holds the text")
    value = record[field]
    if not isinstance(value, str):
        raise BadInputError(f"{place}: field {field!r} is {type(value).__name__}, not a string; put it in quotes")
    if not value.strip():
        raise BadInputError(f"{place}: field {field!r} is empty; fill it or delete the line")
    return value
