"""Reads a JSON text value by value, without holding it whole, and knows the line of each value.

Limits: a number keeps its digits and is never computed. An object that has a name twice is refused, because one of the
two values would be lost. A value has at most MAX_LINE characters.
"""

import json
from collections import Counter
from pathlib import Path
from typing import IO

from swarm_core.errors import BadInputError, list_names
from swarm_trainer.data import text_streams
from swarm_trainer.data.file_types import FileType
from swarm_trainer.data.records import Number
from swarm_trainer.data.text_streams import MAX_LINE

CHUNK = 1 << 16
"""The number of characters read at once."""
BLANKS = " \t\n\r\ufeff"


class DuplicateNameError(ValueError):
    """An object has a name twice."""


def build_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The object of a JSON text. Raises DuplicateNameError."""
    found = dict(pairs)
    if len(found) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
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
