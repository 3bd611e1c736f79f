"""Describes seed data for `dataswarm validate` and logs: what was read, from which fields, and what was left out."""

from collections.abc import Iterator

from swarm_core.items import Item
from swarm_core.text import printable
from swarm_trainer.data.data_files import DataSet
from swarm_trainer.data.seeds import SeedFile

MAX_TEXT = 100
"""The number of characters of a text that are shown."""


def describe_seeds(uri: str, seeds: SeedFile) -> Iterator[tuple[str, str]]:
    """Yield pairs of a subject and a line."""
    yield "data", describe_count(uri, seeds)
    yield "fields", seeds.mapping.format_line()
    first = seeds.items[0]
    yield "first item", f"{describe_item(first.item)} ({first.place})"
    if seeds.left_out.counts:
        yield "left out", seeds.left_out.format_counts()


def summarize_seeds(uri: str, seeds: SeedFile) -> str:
    """Return one line without the text of any item, for logs."""
    left_out = f"; left out: {seeds.left_out.format_counts()}" if seeds.left_out.counts else ""
    return f"{describe_count(uri, seeds)}; {seeds.mapping.format_line()}{left_out}"


def describe_count(uri: str, seeds: SeedFile) -> str:
    """Describe the format, and how many records gave how many items."""
    return f"{uri}: {describe_source(seeds.source)}, {seeds.records:,} records, {len(seeds.items):,} items"


def describe_source(source: DataSet) -> str:
    """Describe the format, and the split if there are several."""
    if len(source.splits) < 2:
        return source.layout + (f", split {source.split}" if source.split else "")
    others = ", ".join(f"{name} ({count:,})" for name, count in source.splits.items())
    return f"{source.layout}, split {source.split} of {others}"


def describe_item(item: Item) -> str:
    """Describe an item on one line."""
    parts = [f'"{cut_to_line(item.text)}"']
    if item.reference is not None:
        parts.append(f'reference "{cut_to_line(item.reference)}"')
    if item.choices:
        parts.append(f"{len(item.choices)} choices")
    return ", ".join(parts)


def cut_to_line(text: str) -> str:
    """The beginning of a text on one line."""
    line = printable.to_single_line(text[: 4 * MAX_TEXT])
    return line if len(line) <= MAX_TEXT else f"{line[:MAX_TEXT]}..."
