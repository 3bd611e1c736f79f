"""Reads seed data into items, and splits them into training items and held-out items.

The file is read record by record, and at most `maxItems` items are kept, so memory does not grow with the file. Of more
items, those with the lowest SHA-256 of seed and canonical form are kept: a uniform sample that does not depend on their
order.

Invariants: items keep the order of the file; no two are one item in two spellings (`swarm_core.canonical_items`); every
item comes back from the list that training shows; whether an item is held out depends on the seed and the set of items.

Limits: copies are counted among the items that are kept. Which of two equal items is kept depends on their order.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from swarm_core.blocks.data_source import DataSource
from swarm_core.errors import BadInputError, list_names
from swarm_core.item_index import ItemIndex
from swarm_core.ports import Judge
from swarm_core.text import item_formats, prompts
from swarm_core.text.prompts import PromptStyle, Wording
from swarm_trainer.data import data_files, field_mapping, item_builder
from swarm_trainer.data.data_files import DataFile, DataSet
from swarm_trainer.data.field_mapping import FieldMapping
from swarm_trainer.data.item_builder import ItemBuilder
from swarm_trainer.data.records import Record
from swarm_trainer.data.seed_sample import COPY, NOT_SAMPLED, LeftOut, Sample, SeedItem, rank

NOT_READ_BACK = "that would not come back from a list of items"
DEFAULT_WORDING = Wording(PromptStyle.CHAT, "")
WITHOUT = {
    "reference": "without the answer that the format shows",
    "choices": "without the choices that the format shows",
}
"""Why an item is left out that lacks what entries of the run's format show, by the field of the data."""
MAX_COMPARISONS = 200_000_000
"""The most pairs that are compared for near copies. It takes some two minutes for texts of 250 characters."""
EXPECTED = frozenset({COPY, NOT_SAMPLED})
"""The reasons that say nothing against the file."""


@dataclass(frozen=True, slots=True)
class SeedFile:
    """The content of seed data."""

    items: tuple[SeedItem, ...]
    mapping: FieldMapping
    source: DataSet
    records: int
    """The number of records that were read."""
    left_out: LeftOut


def read(
    path: Path,
    data: DataSource,
    cluster_field: str | None = None,
    wording: Wording = DEFAULT_WORDING,
    seed: int = 0,
    judge: Judge | None = None,
) -> SeedFile:
    """Read the seed data at `path`. `cluster_field`: the field that names the cluster of each item. `wording`:
    of the prompts that show the items. `seed`: of the sample. `judge`: the judge of the run, which may know copies.

    Raises BadInputError, which names the file and the line, if a record cannot be used, if the data has no items, or if
    more records are left out than read.
    """
    source = data_files.open_data(path, data.wanted_split)
    mapping = find_mapping(path, source, data)
    left_out = LeftOut()
    sample = Sample(data.max_items, seed, left_out, judge)
    records = 0
    for file in source.files:
        for item in read_items(file, mapping, cluster_field, len(source.files) > 1):
            records += 1
            if isinstance(item, SeedItem):
                sample.add(item)
            else:
                left_out.add(item_builder.NO_TEXT, item.place)
    kept = sample.items()
    items = tuple(check_items(kept, wording, left_out) if data.is_shown else kept)
    if not data.is_shown and NOT_SAMPLED in left_out.counts:
        raise BadInputError(f"{path}: has more than {data.max_items:,} items, and all are needed; raise maxItems")
    check_left_out(path, mapping, records, len(items), left_out)
    return SeedFile(items, mapping, source, records, left_out)


def find_mapping(path: Path, source: DataSet, data: DataSource) -> FieldMapping:
    """The mapping that the user names, or a guess from the first records. Raises BadInputError."""
    records = source.files[0].first(field_mapping.SAMPLE)
    if not records:
        raise BadInputError(f'{path}: contains no items; give records with a text, such as {{"text": "..."}}')
    if data.fields is not None:
        return field_mapping.check_named(str(path), data.fields, records)
    return field_mapping.guess(str(path), records)


def read_items(
    file: DataFile, mapping: FieldMapping, cluster_field: str | None, several: bool
) -> Iterator[SeedItem | Record]:
    """The items of a file, and the records that have no text. `several`: places name the file. Raises BadInputError."""
    builder = ItemBuilder(str(file.path), mapping)
    names = [name for record in file.first(1) for name in record.fields]
    wanted = [*mapping.columns, *([] if cluster_field is None else [cluster_field])]
    for record in file.read([field_mapping.find_column(names, path) for path in wanted]):
        place = f"{file.path.name} {record.place}" if several else record.place
        item = builder.build(record)
        if item is None:
            yield Record(place, {})
        else:
            source = f"{file.path} {record.place}"
            yield SeedItem(item, read_cluster(source, record, cluster_field), place)


def read_cluster(source: str, record: Record, path: str | None) -> str | None:
    """The name of a record's cluster; None if clusters are not named. Raises BadInputError."""
    if path is None:
        return None
    value = field_mapping.get_value(record.fields, path)
    if value is field_mapping.MISSING:
        raise BadInputError(
            f"{source}: no field {path!r} (it has {list_names(record.fields)}); add it, or set clustering.field.name to"
            " the field that names the cluster"
        )
    name = item_builder.read_answer(source, value)
    if name is None:
        raise BadInputError(f"{source}: field {path!r} is blank; name the cluster of the item")
    return name


def check_items(items: Sequence[SeedItem], wording: Wording, left_out: LeftOut) -> Iterator[SeedItem]:
    """The items that come back from the list that prompts show, as takers see them. Counts the others."""
    for seed in items:
        missing = item_formats.find_missing(wording.format, seed.item)
        if missing is not None:
            left_out.add(WITHOUT[missing], seed.place)
        elif prompts.item_comes_back(wording, seed.item):
            yield replace(seed, item=item_formats.show_choices(wording.format, seed.item))
        else:
            left_out.add(NOT_READ_BACK, seed.place)


def check_left_out(path: Path, mapping: FieldMapping, records: int, items: int, left_out: LeftOut) -> None:
    """Raises BadInputError if nothing is left, or if more than half of the records cannot be used."""
    faulty = sum(count for reason, count in left_out.counts.items() if reason not in EXPECTED)
    if not items or faulty * 2 > records:
        raise BadInputError(
            f"{path}: {faulty:,} of {records:,} records cannot be used: {left_out.format_counts()};"
            f" {advise_on_fields(mapping, left_out)}"
        )


def advise_on_fields(mapping: FieldMapping, left_out: LeftOut) -> str:
    """Say what to correct, if most records cannot be used."""
    lacking = [(left_out.counts[reason], field) for field, reason in WITHOUT.items() if reason in left_out.counts]
    field = max(lacking)[1] if lacking else "text"
    name = getattr(mapping.fields, field)
    source = "no field" if name is None else list_names([name])
    subject = {"text": "the text is", "reference": "answers are", "choices": "choices are"}[field]
    other = "" if field == "text" else ", or set spec.generation.format to another format"
    return f"{subject} read from {source}, so correct {field_mapping.FIELDS}.{field} or the data{other}"


def count_held_out(items: int, held_out: float) -> int:
    """Return how many items are held out if none has a near copy. `held_out`: the share."""
    return round(held_out * items)


def split(
    items: Sequence[SeedItem],
    held_out: float,
    seed: int,
    judge: Judge | None = None,
    similarity: float | None = None,
) -> tuple[tuple[SeedItem, ...], tuple[SeedItem, ...]]:
    """Split the items into (training items, held-out items), both in the order of the file.

    The held-out items are the round(held_out * n) items with the lowest rank, and their copies in another spelling or
    with other words around them. With `similarity`, their near copies are held out, too (`swarm_core.item_index`).

    Raises BadInputError if no training item is left, if `held_out` is above 0 but no item is held out, or if there are
    too many items to compare.
    """
    count = count_held_out(len(items), held_out)
    ranks = [rank(item.item, seed, judge) for item in items]
    lowest = set(sorted(ranks)[:count])
    kept_back = {item for item, place in zip(items, ranks, strict=True) if place in lowest}
    kept_back = add_copies(items, kept_back, judge, similarity)
    training = tuple(item for item in items if item not in kept_back)
    if not training and len(kept_back) > count:
        raise BadInputError(
            f"heldOut: all {len(items):,} items are {'' if similarity is None else 'near '}copies of the {count:,} that"
            " are held out, and of each other; lower heldOut"
            + ("" if similarity is None else ", or raise the similarity of the gates")
        )
    if not training or (held_out > 0 and count == 0):
        raise BadInputError(
            f"heldOut {held_out} of {len(items)} items holds out {count}; give more items or another share"
        )
    return training, tuple(item for item in items if item in kept_back)


def add_copies(
    items: Sequence[SeedItem], held_out: Iterable[SeedItem], judge: Judge | None, similarity: float | None
) -> set[SeedItem]:
    """Return the held-out items, the items that hold them whole, their near copies if there is a `similarity`, and in
    turn the copies of those.

    Raises BadInputError if there are more than `MAX_COMPARISONS` pairs to compare.
    """
    newest, compared = list(held_out), 0
    found = set(newest)
    while newest:
        compared += len(newest) * len(items)
        if similarity is not None and compared > MAX_COMPARISONS:
            raise BadInputError(
                f"heldOut: {len(items):,} items and {len(newest):,} held-out ones are too many to compare for near"
                f" copies (at most {MAX_COMPARISONS:,} pairs); lower maxItems or heldOut, or remove the similarity of"
                " the gates"
            )
        index = ItemIndex((seed.item for seed in newest), judge)
        newest = [seed for seed in items if seed not in found and index.find(seed.item, similarity)]
        found.update(newest)
    return found
