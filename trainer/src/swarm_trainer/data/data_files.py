"""Reads the records of seed data: one file of any format, or a folder of files of one format.

A folder holds the files of one data set, such as a repository of the hub: its splits are named by files or by folders.
Files without records (`README.md`, `dataset_infos.json`) are left alone.
"""

import itertools
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from swarm_core.errors import BadInputError
from swarm_trainer.data import file_types, json_records, splits, table_records, text_streams
from swarm_trainer.data.file_types import Compression, DataFormat, FileType
from swarm_trainer.data.json_stream import BLANKS, JsonStream
from swarm_trainer.data.records import Record
from swarm_trainer.sources import selection


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of seed data, identified."""

    path: Path
    type: FileType
    layout: str
    """What the file is, in words, such as `JSON Lines`."""
    split: str | None = None
    """The split of a document that is read; None for a file without splits."""
    splits: dict[str, int] = field(default_factory=dict)
    """The number of records of each split of a document."""

    def first(self, count: int) -> list[Record]:
        """The first `count` records. Raises BadInputError."""
        with closing(self.read()) as records:
            return list(itertools.islice(records, count))

    def read(self, columns: Sequence[str] | None = None) -> Generator[Record]:
        """The records, one after another. `columns`: what to read of a Parquet file. Raises BadInputError."""
        if self.type.format is DataFormat.PARQUET:
            yield from table_records.read_parquet(self.path, columns)
            return
        newline = None if self.type.format is DataFormat.JSON else ""
        with text_streams.open_text(self.path, self.type, newline) as text:
            if self.type.format is not DataFormat.JSON:
                yield from table_records.read_csv(text, self.path, self.type)
            elif self.layout == LINES:
                yield from json_records.read_lines(text, self.path, self.type)
            else:
                yield from self._read_document(JsonStream(text, self.path, self.type))

    def _read_document(self, stream: JsonStream) -> Generator[Record]:
        if self.split is not None:
            yield from json_records.read_split(stream, self.split)
        elif self.layout == LIST:
            yield from json_records.read_list(stream)
            json_records.check_end(stream)
        else:
            yield from json_records.read_objects(stream)


LINES, LIST, DOCUMENT, OBJECTS = "JSON Lines", "a JSON list", "a JSON document", "JSON objects"


@dataclass(frozen=True, slots=True)
class DataSet:
    """The files that seeds are read from."""

    files: tuple[DataFile, ...]
    split: str | None
    splits: dict[str, int]
    """The number of records, or of files, of each split; empty if there are none."""

    @property
    def layout(self) -> str:
        """What the data is, in words."""
        first = self.files[0]
        packed = "" if first.type.compression is Compression.NONE else f", {first.type.compression}"
        count = f", {len(self.files)} files" if len(self.files) > 1 else ""
        return first.layout + packed + count


def open_data(path: Path, split: str | None = None) -> DataSet:
    """Identify the file at `path`, or the files of a folder, without reading them to the end.

    Raises BadInputError for a file that is not data, for a split that does not exist, and if several could be meant.
    """
    if not path.is_dir():
        one = identify(path, split)
        return DataSet((one,), one.split, one.splits)
    names = find_files(path)
    chosen, by_split = choose_files(path, names, split)
    return DataSet(tuple(identify(path / name, None) for name in chosen[1]), chosen[0], by_split)


def find_files(folder: Path) -> tuple[str, ...]:
    """The data files of a folder by relative path, sorted. Raises BadInputError if there are none."""
    names = sorted(str(one.relative_to(folder).as_posix()) for one in folder.rglob("*") if one.is_file())
    found = tuple(name for name in names if selection.is_data_file(name))
    if not found:
        raise BadInputError(f"{folder}: is a folder without data files; {file_types.READABLE}")
    formats = Counter(selection.find_data_suffix(name) for name in found)
    if len(formats) > 1:
        raise BadInputError(
            f"{folder}: has files of several formats ({', '.join(sorted(formats))}); give the path of one file, or of a"
            " folder with one format"
        )
    return found


def choose_files(
    folder: Path, names: Sequence[str], wanted: str | None
) -> tuple[tuple[str | None, tuple[str, ...]], dict[str, int]]:
    """The split to read with its files, and the number of files of each split. Raises BadInputError."""
    by_split: dict[str | None, list[str]] = {}
    for name in names:
        by_split.setdefault(splits.find_in_name(name), []).append(name)
    counts = {split: len(files) for split, files in by_split.items() if split is not None}
    chosen = splits.choose(str(folder), counts, wanted) if counts else None
    if wanted is not None and chosen is None:
        raise BadInputError(f"{folder}: its files name no split; remove data.{splits.SPLIT_FIELD}")
    files = tuple(by_split[chosen])
    folders = sorted({name.rpartition("/")[0] for name in files})
    if len(folders) > 1:
        places = ", ".join(map(repr, folders[:8]))
        raise BadInputError(f"{folder}: has data in several folders ({places}); add the one to use to the path")
    return (chosen, files), counts


def identify(path: Path, split: str | None) -> DataFile:
    """What a file is, and which of its splits is read. Raises BadInputError."""
    file_type = text_streams.identify(path)
    one = DataFile(path, file_type, str(file_type.format))
    if file_type.format is DataFormat.JSON:
        one = identify_json(path, file_type, split)
    if split is not None and one.split is None:
        raise BadInputError(f"{path}: is {one.layout} and has no splits; remove data.{splits.SPLIT_FIELD}")
    return one


def identify_json(path: Path, file_type: FileType, split: str | None) -> DataFile:
    """The layout of a JSON file, and which split of a document is read. Raises BadInputError."""
    with text_streams.open_text(path, file_type) as text:
        head = text.read(file_types.HEAD_BYTES)
    if json_records.is_lines(head) or not head.strip(BLANKS):
        return DataFile(path, file_type, LINES)
    if head.lstrip(BLANKS).startswith("["):
        return DataFile(path, file_type, LIST)
    with text_streams.open_text(path, file_type) as text:
        found = json_records.count_splits(JsonStream(text, path, file_type))
    if not found:
        return DataFile(path, file_type, OBJECTS)
    chosen = splits.choose(str(path), found, split)
    return DataFile(path, file_type, DOCUMENT, chosen, found)
