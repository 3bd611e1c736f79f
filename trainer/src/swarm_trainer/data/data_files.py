"""Reads the records of seed data: one file of any format, or a folder of files of one format.

A folder holds the files of one data set, such as a repository of the hub: its splits are named by files or by folders.
Files without records (`README.md`, `dataset_infos.json`) are left alone.
"""

import itertools
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from swarm_core.blocks.data_source import TEST_SPLIT
from swarm_core.errors import BadInputError, name_subject
from swarm_trainer.data import file_types, json_records, table_records, text_streams
from swarm_trainer.data.file_types import Compression, DataFormat, FileType
from swarm_trainer.data.json_stream import BLANKS, JsonStream
from swarm_trainer.data.records import Record
from swarm_trainer.sources import data_selection, splits


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
    with name_subject(path):
        chosen = data_selection.choose_files(find_files(path), split)
    return DataSet(tuple(identify(path / name, None) for name in chosen.names), chosen.split, chosen.splits)


def find_files(folder: Path) -> tuple[str, ...]:
    """The data files of a folder by relative path, sorted. Raises BadInputError if there are none."""
    names = [one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file()]
    if not any(map(data_selection.is_data_file, names)):
        raise BadInputError(f"is a folder without data files; {file_types.READABLE}")
    return data_selection.list_data_files(names)


def identify(path: Path, split: str | None) -> DataFile:
    """What a file is, and which of its splits is read. Raises BadInputError."""
    file_type = text_streams.identify(path)
    one = DataFile(path, file_type, str(file_type.format))
    if file_type.format is DataFormat.JSON:
        one = identify_json(path, file_type, split)
    if split not in (None, TEST_SPLIT) and one.split is None:
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
    with name_subject(path):
        chosen = splits.choose(found, split)
    return DataFile(path, file_type, DOCUMENT, chosen, found)
