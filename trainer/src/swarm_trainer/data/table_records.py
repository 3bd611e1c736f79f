"""Reads records from tables: CSV and TSV with a first line that names the columns, and Parquet.

Every value of a CSV file is a string. A row may span several lines inside quotes; its first line is named in messages.
Parquet is read in batches, and a column is read only if it is needed.

Limits: a CSV file has the separator that its first line has most of: comma, semicolon, tab or bar. A row without the
right number of values is refused, because its values cannot be told apart.
"""

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from swarm_core.errors import BadInputError, list_names
from swarm_trainer.data import text_streams
from swarm_trainer.data.file_types import DataFormat, FileType
from swarm_trainer.data.records import Number, Record
from swarm_trainer.data.text_streams import MAX_LINE

EXCEL_HINT = re.compile('"?sep=[,;|\t]"?', re.IGNORECASE)
"""A first line by which Excel knows the separator."""
SEPARATORS = ",;\t|"
BATCH_ROWS = 256
"""The number of rows of a Parquet file in memory at once. A text may be long."""


def read_csv(text: IO[str], path: Path, file_type: FileType) -> Iterator[Record]:
    """The records of a CSV or TSV file, opened with newline="". Raises BadInputError."""
    lines = NumberedLines(text, path, file_type)
    first = next(lines, "")
    if EXCEL_HINT.fullmatch(first.strip().lstrip("\ufeff")):
        first = next(lines, "")
    separator = "\t" if file_type.format is DataFormat.TSV else find_separator(first)
    csv.field_size_limit(min(sys.maxsize, 2 * MAX_LINE))
    rows = csv.reader(prepend(first.lstrip("\ufeff"), lines), delimiter=separator, strict=True)
    columns: list[str] | None = None
    while True:
        start = lines.number if columns is None else lines.number + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadInputError(
                f"{path} line {start}: not {file_type.format} ({error}); close the quotes, and double each quote inside"
            ) from error
        if columns is None and not any(map(str.strip, row)):
            continue
        if columns is None:
            columns = check_columns(f"{path} line {start}", row)
        elif any(map(str.strip, row)) or len(row) == len(columns) > 1:
            yield build_row(f"{path} line {start}", f"line {start}", columns, row)


class NumberedLines:
    """The lines of a text, checked, with the number of the last one that was read."""

    def __init__(self, text: IO[str], path: Path, file_type: FileType) -> None:
        self._lines = text_streams.iterate_lines(text, path)
        self._path, self._encoding = path, file_type.encoding
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.number, line = next(self._lines)
        text_streams.check_decoded(f"{self._path} line {self.number}", line, self._encoding)
        return line


def prepend(first: str, rest: Iterator[str]) -> Iterator[str]:
    """`first`, then `rest`."""
    yield first
    yield from rest


def find_separator(header: str) -> str:
    """The separator that a first line has most of, outside quotes."""
    plain = "".join(header.split('"')[::2])
    return max(SEPARATORS, key=plain.count)


def check_columns(source: str, names: Sequence[str]) -> list[str]:
    """The names of columns, without spaces around them. Raises BadInputError if two are equal."""
    columns = [name.strip() for name in names]
    twice = next((name for name, count in Counter(columns).items() if name and count > 1), None)
    if twice is not None:
        raise BadInputError(f"{source}: two columns have the name {list_names([twice])}; rename one")
    return columns


def build_row(source: str, place: str, columns: Sequence[str], row: Sequence[str]) -> Record:
    """One row as a record; an empty value is null. Raises BadInputError unless it has a value for each column."""
    if len(row) != len(columns):
        raise BadInputError(
            f"{source}: {len(row)} values for {len(columns)} columns; put values that contain separators or line ends"
            " in double quotes"
        )
    return Record(place, {name: value or None for name, value in zip(columns, row, strict=True) if name})


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> Iterator[Record]:
    """The records of a Parquet file. `columns`: the columns to read; if None, all that Python can show.

    Raises BadInputError.
    """
    with translate_parquet_errors(path):
        import pyarrow.parquet as pq  # noqa: PLC0415 (heavy)

        number = 0
        wanted = None if columns is None else [*columns]
        with pq.ParquetFile(path, pre_buffer=False) as file:
            check_columns(str(path), file.schema_arrow.names)
            for batch in file.iter_batches(BATCH_ROWS, columns=wanted, use_threads=False):
                names = batch.schema.names
                shown = names if wanted else [name for name in names if is_convertible(batch.column(name))]
                for row in batch.select(shown).to_pylist():
                    number += 1
                    yield Record(f"row {number}", {name: convert_value(value) for name, value in row.items()})


def is_convertible(column: Any) -> bool:
    """Whether the values of a column have a form in Python. Times in nanoseconds do not."""
    try:
        column.to_pylist()
    except UnicodeDecodeError:
        raise
    except (ValueError, OverflowError, NotImplementedError):
        return False
    return True


@contextmanager
def translate_parquet_errors(path: Path) -> Iterator[None]:
    """Turn the errors of pyarrow into BadInputError."""
    import pyarrow  # noqa: PLC0415 (heavy)

    try:
        yield
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError, OverflowError, ValueError) as error:
        words = " ".join(str(error).split())[:200]
        raise BadInputError(
            f"{path}: the Parquet data is damaged or not supported ({words}); write it again"
        ) from error


def convert_value(value: Any) -> object:
    """A value of pyarrow as a value of a record."""
    match value:
        case bool() | str() | None | bytes():
            return value
        case int() | float() | Decimal():
            return Number(value)
        case datetime() | date() | time():
            return value.isoformat()
        case dict():
            return {str(name): convert_value(one) for name, one in value.items()}
        case list():
            return [convert_value(one) for one in value]
        case _:
            return value
