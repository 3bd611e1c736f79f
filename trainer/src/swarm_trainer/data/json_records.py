"""Reads records from JSON: one object per line, a list of objects, or a document that holds lists (splits) of objects.

A list and a document are read element by element, so memory holds one record. Objects that stand one after another over
several lines are read, too.

Limits: those of `json_stream`. An object whose value is a list of objects is a document, unless the list is a chat.
"""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from swarm_core.errors import BadInputError
from swarm_trainer.data import text_streams
from swarm_trainer.data.file_types import FileType
from swarm_trainer.data.json_stream import BLANKS, JsonStream, decode, is_cut
from swarm_trainer.data.records import TEXT_FIELD, Number, Record, describe_type
from swarm_trainer.sources.splits import SPLIT_NAMES

CHAT_FIELDS = frozenset({"messages", "conversations", "conversation"})
"""Lists of objects that are one record and no split."""
JSON_ADVICE = "give one JSON object per line"


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
