"""Reads seed data from a JSON Lines file, strictly, and splits it into training items and held-out items.

Invariants: items keep the order of the file; texts are distinct; whether an item is held out depends on the seed and
the set of texts, not on their order.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from swarm_core.errors import BadInputError
from swarm_core.items import Item

REFERENCE_FIELD, CHOICES_FIELD = "reference", "choices"
"""The fields of a line that give the correct answer and the choices; both are optional."""


@dataclass(frozen=True, slots=True)
class SeedItem:
    """One seed item."""

    item: Item
    cluster: str | None = None
    """The name of the cluster, if the file gives one."""


@dataclass(frozen=True, slots=True)
class SeedFile:
    """The content of a seed file."""

    items: tuple[SeedItem, ...]
    duplicates: int
    """The number of lines that were left out because their text had occurred before."""


def read(path: Path, field: str, cluster_field: str | None = None) -> SeedFile:
    """Read a JSON Lines file with the text in `field` and the name of the cluster in `cluster_field`.

    A line may also give the correct answer in `reference` (a string) and the choices in `choices` (a list of strings).
    Blank lines are skipped. Raises BadInputError, which names the file and the line, if a line cannot be used.
    """
    items: dict[str, SeedItem] = {}
    lines = 0
    for number, line in enumerate(_read_lines(path), 1):
        if line.strip():
            lines += 1
            seed = _parse_item(f"{path} line {number}", line, field, cluster_field)
            items.setdefault(seed.item.text, seed)
    if not items:
        raise BadInputError(f'{path}: contains no items; give one JSON object per line, such as {{"{field}": "..."}}')
    return SeedFile(tuple(items.values()), lines - len(items))


def split(items: Sequence[SeedItem], held_out: float, seed: int) -> tuple[tuple[SeedItem, ...], tuple[SeedItem, ...]]:
    """Split the items into (training items, held-out items), both in the order of the file.

    The held-out items are the round(held_out * n) items with the lowest SHA-256 of seed and text. Raises BadInputError
    if no training item is left, or if `held_out` is above 0 but no item is held out.
    """
    count = round(held_out * len(items))
    if count >= len(items) or (held_out > 0 and count == 0):
        raise BadInputError(
            f"heldOut {held_out} of {len(items)} items holds out {count}; give more items or another share"
        )
    ranked = sorted(items, key=lambda seed_item: hashlib.sha256(f"{seed}:{seed_item.item.text}".encode()).digest())
    kept = {seed_item.item.text for seed_item in ranked[:count]}
    return (
        tuple(seed_item for seed_item in items if seed_item.item.text not in kept),
        tuple(seed_item for seed_item in items if seed_item.item.text in kept),
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
    return text.split("\n")  # splitlines() would also split at U+2028, which JSON allows inside a string


def _parse_item(source: str, line: str, field: str, cluster_field: str | None) -> SeedItem:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise BadInputError(f"{source}: not JSON ({error}); give one JSON object per line") from error
    if not isinstance(record, dict):
        raise BadInputError(f"{source}: {type(record).__name__}, not an object; give one JSON object per line")
    text = _get_text(source, record, field)
    optional = {name: record.get(name) for name in (REFERENCE_FIELD, CHOICES_FIELD) if name != field}
    item = Item(
        text,
        reference=_check_reference(source, optional.get(REFERENCE_FIELD)),
        choices=_check_choices(source, optional.get(CHOICES_FIELD)),
    )
    return SeedItem(item, None if cluster_field is None else _get_text(source, record, cluster_field))


def _check_reference(source: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise BadInputError(
        f"{source}: field {REFERENCE_FIELD!r} is {type(value).__name__}, not a string; put the right answer in"
        " quotes, or rename a field that means something else"
    )


def _check_choices(source: str, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(value)
    raise BadInputError(
        f"{source}: field {CHOICES_FIELD!r} is not a list of strings; list the answers to choose from, or rename a"
        " field that means something else"
    )


def _get_text(source: str, record: dict[str, object], field: str) -> str:
    if field not in record:
        present = ", ".join(sorted(record)) or "nothing"
        raise BadInputError(
            f"{source}: no field {field!r} (it has {present}); add it or name the field that holds the text"
        )
    value = record[field]
    if not isinstance(value, str):
        raise BadInputError(f"{source}: field {field!r} is {type(value).__name__}, not a string; put it in quotes")
    if not value.strip():
        raise BadInputError(f"{source}: field {field!r} is empty; fill it or delete the line")
    return value
