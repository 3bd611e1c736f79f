"""Reads records from JSON: one object per line, a list of objects, or a document that holds lists (splits) of objects.

A list and a document are read element by element, so memory holds one record. Objects that stand one after another over
several lines are read, too.

Limits: a number keeps its digits and is never computed. An object that has a name twice is refused, because one of the
two values would be lost. A record has at most MAX_LINE characters.
"""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from swarm_core.errors import BadInputError
from swarm_trainer.data import text_streams
from swarm_trainer.data.file_types import FileType
from swarm_trainer.data.records import TEXT_FIELD, Number, Record, describe_type, list_names
from swarm_trainer.data.splits import SPLIT_NAMES
from swarm_trainer.data.text_streams import MAX_LINE

CHUNK = 1 << 16
"""The number of characters read at once."""
BLANKS = " \t\n\r\ufeff"
CHAT_FIELDS = frozenset({"messages", "conversations", "conversation"})
"""Lists of objects that are one record and no split."""
JSON_ADVICE = "give one JSON object per line"


class DuplicateNameError(ValueError):
    """An object has a name twice."""


def build_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The object of a JSON text. Raises DuplicateNameError."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DuplicateNameError(f"an object has the field {list_names([twice])} twice; remove one of the two")
    return found


DECODER = json.JSONDecoder(object_pairs_hook=build_object, parse_int=Number, parse_float=Number, parse_constant=Number)
LONGEST_WORD = 12
"""The number of characters at the end of a text that may be part of a cut word, number or escape."""


def decode(source: str, text: str, start: int = 0) -> tuple[object, int]:
    """The JSON value at `start` of `text`, and the place after it. Raises BadInputError; json.JSONDecodeError."""
    try:
        found: tuple[object, int] = DECODER.raw_decode(text, start)
    except DuplicateNameError as error:
        raise BadInputError(f"{source}: {error}") from error
    except RecursionError as error:
        raise BadInputError(f"{source}: lists or objects are nested too deeply; remove that field") from error
    return found


def is_cut(error: json.JSONDecodeError, text: str) -> bool:
    """Whether the value may be whole if more text follows `text`."""
    return error.msg.startswith("Unterminated string") or error.pos >= len(text) - LONGEST_WORD


def read_lines(text: IO[str], path: Path, file_type: FileType) -> Iterator[Record]:
    """The records of a text with one JSON object per line; blank lines are skipped. Raises BadInputError."""
    for number, whole in text_streams.iterate_lines(text, path):
        line = whole.strip(BLANKS)
        if not line:
            continue
        source = f"{path} line {number}"
        text_streams.check_decoded(source, line, file_type.encoding)
        try:
            value, end = decode(source, line)
            if line[end:].strip(BLANKS):
                raise json.JSONDecodeError("Extra data", line, end)
        except json.JSONDecodeError as error:
            words = error.msg.replace(" enclosed in double quotes", "")
            raise BadInputError(f"{source}: not JSON ({words} at column {error.pos + 1}); {JSON_ADVICE}") from error
        yield build_record(source, f"line {number}", value, bare_text=False)


def build_record(source: str, place: str, value: object, *, bare_text: bool) -> Record:
    """A value as a record. A string is a record with `text` alone, if `bare_text`. Raises BadInputError."""
    if isinstance(value, dict):
        return Record(place, value)
    if bare_text and isinstance(value, str) and not isinstance(value, Number):
        return Record(place, {TEXT_FIELD: value})
    raise BadInputError(f"{source}: {describe_type(value)}, not an object; {JSON_ADVICE}")


class JsonStream:
    """A JSON text that is read value by value."""

    def __init__(self, text: IO[str], path: Path, file_type: FileType) -> None:
        self.path = path
        self._text, self._encoding = text, file_type.encoding
        self._buffer, self._at, self._line, self._ended = "", 0, 1, False

    @property
    def line(self) -> int:
        """The number of the current line, counted from 1."""
        return self._line

    @property
    def source(self) -> str:
        """The file and the current line."""
        return f"{self.path} line {self._line}"

    def peek(self) -> str:
        """The next character that is not blank; "" at the end. Raises BadInputError."""
        while True:
            while self._at < len(self._buffer):
                if self._buffer[self._at] not in BLANKS:
                    return self._buffer[self._at]
                self._move(self._at + 1)
            if not self._fill():
                return ""

    def take(self, expected: str) -> str:
        """Take the next character that is not blank, one of `expected`. Raises BadInputError."""
        found = self.peek()
        if not found or found not in expected:
            named = " or ".join(f"'{one}'" for one in expected)
            raise BadInputError(
                f"{self.source}: not JSON ({named} expected, {self._describe_next()}); correct the file"
            )
        self._move(self._at + 1)
        return found

    def value(self) -> object:
        """Take the next value. Raises BadInputError if there is none, or if it is longer than MAX_LINE."""
        self.peek()
        source = self.source
        while True:
            start = self._at
            try:
                value, end = decode(source, self._buffer, start)
            except json.JSONDecodeError as error:
                if is_cut(error, self._buffer) and self._fill():
                    continue
                self._move(self._at + max(0, error.pos - start))
                raise BadInputError(
                    f"{self.source}: not JSON ({error.msg}, {self._describe_next()}); correct the file"
                ) from error
            if end == len(self._buffer) and self._fill():  # a number may go on
                continue
            self._check_length(end - start)
            self._move(self._at + end - start)
            return value

    def _move(self, end: int) -> None:
        self._line += self._buffer.count("\n", self._at, end)
        self._at = end

    def _fill(self) -> bool:
        """Read more. Returns whether there was more. Raises BadInputError."""
        if self._ended:
            return False
        rest = self._buffer[self._at :]
        self._check_length(len(rest))
        piece = self._text.read(max(CHUNK, len(rest)))
        self._check(rest, piece)
        self._buffer, self._at, self._ended = rest + piece, 0, not piece
        return bool(piece)

    def _check_length(self, length: int) -> None:
        if length > MAX_LINE:
            raise BadInputError(f"{self.source}: a value has more than {MAX_LINE:,} characters; give shorter records")

    def _check(self, rest: str, piece: str) -> None:
        if piece.isascii():
            return
        line = self._line + rest.count("\n")
        for number, part in enumerate(piece.split("\n"), line):
            text_streams.check_decoded(f"{self.path} line {number}", part, self._encoding)

    def _describe_next(self) -> str:
        rest = self._buffer[self._at : self._at + 20].split("\n")[0]
        return f"found {rest!r}" if rest else "but the file ends" if self._ended else "but the line ends"


def read_list(stream: JsonStream) -> Iterator[Record]:
    """The records of a list, whose bracket comes next; a string is a record with `text` alone. Raises BadInputError."""
    stream.take("[")
    if stream.peek() == "]":
        stream.take("]")
        return
    for number in itertools.count(1):
        stream.peek()
        place = f"line {stream.line}, record {number}"
        yield build_record(f"{stream.path} {place}", place, stream.value(), bare_text=True)
        if stream.take(",]") == "]":
            return


def read_objects(stream: JsonStream) -> Iterator[Record]:
    """The records of objects that stand one after another. Raises BadInputError."""
    while stream.peek():
        source, place = stream.source, f"line {stream.line}"
        yield build_record(source, place, stream.value(), bare_text=False)


def check_end(stream: JsonStream) -> None:
    """Raises BadInputError if something stands after the list or the document."""
    if stream.peek():
        raise BadInputError(
            f"{stream.source}: the file goes on after the end of its list or document; give one of them, or"
            " one JSON object per line"
        )


def iterate_fields(stream: JsonStream) -> Iterator[str]:
    """The names of an object, whose brace comes next. The caller takes each value. Raises BadInputError."""
    stream.take("{")
    if stream.peek() == "}":
        stream.take("}")
        return
    while True:
        if stream.peek() != '"':
            stream.take('"')
        name = stream.value()
        stream.take(":")
        yield str(name)
        if stream.take(",}") == "}":
            return


def count_splits(stream: JsonStream) -> dict[str, int]:
    """The number of records of each split of the document that comes next; none if the object is a record itself.

    A split is a list of objects, or a list of any values under the name of a split. Raises BadInputError.
    """
    found: dict[str, int] = {}
    columns = 0
    for name in iterate_fields(stream):
        if stream.peek() != "[" or name in CHAT_FIELDS:
            stream.value()
            continue
        objects = [isinstance(value, dict) for value in iterate_values(stream)]
        if (objects and all(objects)) or name.lower() in SPLIT_NAMES:
            found[name] = len(objects)
        columns += len(objects) > 1
    if stream.peek():
        return {}
    if not found and columns > 1:
        raise BadInputError(
            f"{stream.source}: is an object of columns, not of records; {JSON_ADVICE}, such as with pandas:"
            " `frame.to_json(path, orient='records', lines=True)`"
        )
    return found


def iterate_values(stream: JsonStream) -> Iterator[object]:
    """The values of a list, whose bracket comes next. Raises BadInputError."""
    stream.take("[")
    if stream.peek() == "]":
        stream.take("]")
        return
    while True:
        yield stream.value()
        if stream.take(",]") == "]":
            return


def read_split(stream: JsonStream, split: str) -> Iterator[Record]:
    """The records of one split of the document that comes next. Raises BadInputError."""
    for name in iterate_fields(stream):
        if stream.peek() != "[":
            stream.value()
        elif name == split:
            yield from read_list(stream)
        else:
            for _ in iterate_values(stream):
                pass
    check_end(stream)


def is_lines(head: str) -> bool:
    """Whether a text has one value per line, from its beginning.

    An object or a list that is alone in the file is a document. Both readers read it, but only one knows splits.
    """
    first, _, rest = head.lstrip(BLANKS).partition("\n")
    try:
        _, end = decode("", first)
    except json.JSONDecodeError as error:
        return first.startswith("{") and not is_cut(error, first.rstrip(BLANKS))
    except BadInputError:
        return first.startswith("{")
    return bool(first[end:].strip(BLANKS) or rest.strip(BLANKS))
