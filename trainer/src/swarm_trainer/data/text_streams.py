"""Opens files of text: decompresses and decodes them piece by piece, and says what is wrong in one line.

A byte that the encoding does not allow becomes half of a surrogate pair, which no text may contain. So the reader that
finds it knows its line.

Limits: a compressed file is decompressed from its beginning each time it is opened.
"""

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from swarm_core.errors import BadInputError
from swarm_trainer.data import file_types
from swarm_trainer.data.file_types import Compression, FileType

MARK_BYTES = "dataswarm-mark-bytes"
"""The name of our error handler for decoders."""
MAX_LINE = 1 << 24
"""The maximum number of characters of one record."""


def mark_bytes(error: UnicodeError) -> tuple[str, int]:
    """Replace undecodable bytes by U+DC00 plus their value, as Python's `surrogateescape` does for UTF-8 only."""
    assert isinstance(error, UnicodeDecodeError)
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(MARK_BYTES, mark_bytes)


def identify(path: Path) -> FileType:
    """What the file at `path` is. Raises BadInputError if it is not data or cannot be read."""
    if path.is_dir():
        raise BadInputError(f"{path}: is a folder; give the data file in it")
    if path.exists() and not path.is_file():
        raise BadInputError(f"{path}: is a device or a pipe; write the data into a file, and give its path")
    with translate_stream_errors(path), path.open("rb") as file:
        compression = file_types.find_compression(file.read(8))
    with translate_stream_errors(path, compression), open_bytes(path, compression) as stream:
        head = read_head(stream)
    return file_types.identify(path, head, compression)


def read_head(stream: IO[bytes]) -> bytes:
    """The first HEAD_BYTES of a stream, or all of them."""
    head = b""
    while len(head) < file_types.HEAD_BYTES and (piece := stream.read(file_types.HEAD_BYTES - len(head))):
        head += piece
    return head


def open_bytes(path: Path, compression: Compression) -> IO[bytes]:
    """The content of a file, decompressed while it is read. Raises OSError and the errors of the decompressor."""
    match compression:
        case Compression.GZIP:
            return cast(IO[bytes], gzip.open(path, "rb"))
        case Compression.BZIP2:
            return bz2.open(path, "rb")
        case Compression.XZ:
            return lzma.open(path, "rb")
        case Compression.ZSTANDARD:
            import pyarrow  # noqa: PLC0415 (heavy)

            return io.BufferedReader(pyarrow.CompressedInputStream(pyarrow.OSFile(str(path)), "zstd"))
        case Compression.NONE:
            return path.open("rb")


@contextmanager
def open_text(path: Path, file_type: FileType, newline: str | None = None) -> Iterator[IO[str]]:
    """The text of a file. `newline` as for `open`. Raises BadInputError if it cannot be read to its end."""
    with (
        translate_stream_errors(path, file_type.compression),
        open_bytes(path, file_type.compression) as stream,
        io.TextIOWrapper(stream, file_type.encoding, MARK_BYTES, newline) as text,
    ):
        yield text


@contextmanager
def translate_stream_errors(path: Path, compression: Compression = Compression.NONE) -> Iterator[None]:
    """Turn the errors of files and decompressors into BadInputError."""
    try:
        yield
    except EOFError as error:
        raise BadInputError(f"{path}: the {compression} data ends too early (truncated); copy it again") from error
    except (zlib.error, lzma.LZMAError) as error:
        raise BadInputError(f"{path}: the {compression} data is damaged ({error}); copy it again") from error
    except OSError as error:
        if error.errno is None:
            words = str(error).replace("\n", " ")
            raise BadInputError(f"{path}: the compressed data is damaged ({words}); copy it again") from error
        raise BadInputError(f"{path}: cannot be read ({error.strerror}); give a data file that can be read") from error


def iterate_lines(text: IO[str], path: Path, first: int = 1) -> Iterator[tuple[int, str]]:
    """The lines of a text with their numbers. Raises BadInputError for a line above MAX_LINE characters."""
    number = first
    while line := text.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise BadInputError(
                f"{path} line {number}: has more than {MAX_LINE:,} characters; write one record per line"
            )
        yield number, line
        number += 1


def check_decoded(source: str, line: str, encoding: str) -> None:
    """Raises BadInputError if `line` has bytes that the encoding does not allow."""
    bad = (
        next((character for character in line if "\udc00" <= character <= "\udcff"), None)
        if not line.isascii()
        else None
    )
    if bad is not None:
        name = encoding.upper().removesuffix("-SIG")
        raise BadInputError(
            f"{source}: not {name}, it has the byte 0x{ord(bad) - 0xDC00:02x}; save it as UTF-8, such as with"
            " `iconv -f windows-1252 -t utf-8`"
        )
