"""Names what a file is from its first bytes: its compression, its format, and its encoding.

The content decides, not the suffix. The suffix only tells tables of text (`.csv`, `.tsv`) from other text, because they
have no signature. What is not data is refused by its name, with the way out.

Limits: a format without a signature is called text or binary.
"""

import codecs
import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from swarm_core.errors import BadInputError
from swarm_trainer.data import foreign_formats
from swarm_trainer.sources.data_selection import COMPRESSION_SUFFIXES

HEAD_BYTES = 1 << 16
"""The number of bytes that decide."""


class Compression(StrEnum):
    """The compressions that are read."""

    NONE = "none"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZSTANDARD = "Zstandard"


COMPRESSION_SIGNATURES = {
    b"\x1f\x8b": Compression.GZIP,
    b"BZh": Compression.BZIP2,
    b"\xfd7zXZ\x00": Compression.XZ,
    b"\x28\xb5\x2f\xfd": Compression.ZSTANDARD,
}


class DataFormat(StrEnum):
    """The formats that are read."""

    JSON = "JSON"
    CSV = "CSV"
    TSV = "TSV"
    PARQUET = "Parquet"


@dataclass(frozen=True, slots=True)
class FileType:
    """What a file is."""

    format: DataFormat
    compression: Compression = Compression.NONE
    encoding: str = "utf-8"
    """The name of the codec. It skips a byte order mark."""


HTML_OPENINGS = ("<!doctype html", "<html", "<head", "<body")
TEXT_CONTROLS = "\t\n\r\f\v"
MAX_CONTROLS = 3
"""The number of other control characters that the first 1024 characters of a text may have."""
TABLE_SUFFIXES = {".csv": DataFormat.CSV, ".tsv": DataFormat.TSV, ".tab": DataFormat.TSV}
CONVERTIBLE_SUFFIXES = {
    ".yaml": "YAML",
    ".yml": "YAML",
    ".toml": "TOML",
    ".xml": "an XML document",
    ".br": "a Brotli file",
}
"""Text without a signature that other programs read, and Brotli, which has none either."""
JSON_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})
ENCODING_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
READABLE = "give JSON Lines, JSON, CSV, TSV or Parquet"


def find_compression(head: bytes) -> Compression:
    """The compression of a file that begins with `head`."""
    return next((kind for sign, kind in COMPRESSION_SIGNATURES.items() if head.startswith(sign)), Compression.NONE)


def identify(path: Path, head: bytes, compression: Compression) -> FileType:
    """What a file is. `head`: its first bytes, decompressed. Raises BadInputError for a file that is not data."""
    packed = "" if compression is Compression.NONE else f"{compression} data that contains "
    if not head:
        raise BadInputError(f"{path}: {packed or 'is '}{'nothing' if packed else 'empty'}; {READABLE}")
    inner = find_compression(head)
    if inner is not Compression.NONE:
        raise BadInputError(f"{path}: is {packed}{inner} data again; decompress it once")
    found = foreign_formats.identify(path, head, packed=bool(packed))
    if found is not None:
        raise BadInputError(f"{path}: is {packed}{found[0]}; {found[1]}")
    if head.startswith(b"PAR1"):
        if compression is not Compression.NONE:
            raise BadInputError(f"{path}: is {packed}a Parquet file, which cannot be read so; decompress it")
        return FileType(DataFormat.PARQUET)
    encoding = find_encoding(head)
    return FileType(identify_text(path, head, encoding), compression, encoding)


def find_encoding(head: bytes) -> str:
    """The codec of a text: by its byte order mark, or by the zeros that UTF-16 and UTF-32 put between ASCII letters."""
    for mark, name in ENCODING_MARKS:
        if head.startswith(mark):
            return name
    return json.detect_encoding(head)


def identify_text(path: Path, head: bytes, encoding: str) -> DataFormat:
    """The format of a text. Raises BadInputError if it is none."""
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(head).lstrip("\ufeff \t\r\n")
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in COMPRESSION_SUFFIXES]
    suffix = suffixes[-1] if suffixes else ""
    if text.lower().startswith(HTML_OPENINGS):
        raise BadInputError(
            f"{path}: is an HTML page, such as a login or an error page; download the file itself, logged in if needed"
        )
    if text.startswith("<?xml"):
        raise BadInputError(f"{path}: is an XML document; convert it to JSON Lines or CSV")
    controls = sum(character < " " and character not in TEXT_CONTROLS for character in text[:1024])
    if "\0" in text[:1024] or controls > MAX_CONTROLS:
        raise BadInputError(f"{path}: is binary data of an unknown format; {READABLE}")
    if suffix in TABLE_SUFFIXES and not is_json_line(text):
        return TABLE_SUFFIXES[suffix]
    if text.startswith(("{", "[")) or suffix in JSON_SUFFIXES:
        return DataFormat.JSON
    if suffix in CONVERTIBLE_SUFFIXES:
        raise BadInputError(f"{path}: is {CONVERTIBLE_SUFFIXES[suffix]}; convert it to JSON Lines")
    raise BadInputError(f"{path}: is {describe_plain_text(text)}")


def is_json_line(text: str) -> bool:
    """Whether the first line of `text` is a whole JSON object or list, or the beginning of one."""
    if not text.startswith(("{", "[")):
        return False
    line = text.split("\n", 1)[0]
    try:
        json.loads(line)
    except json.JSONDecodeError as error:
        return error.pos >= len(line.rstrip())
    except (ValueError, RecursionError):
        return True
    return True


def describe_plain_text(text: str) -> str:
    """What a text without records is, and the way out."""
    first = text.split("\n", 1)[0]
    for separator, name in ((",", "CSV"), ("\t", "TSV"), (";", "CSV")):
        if separator in first:
            return (
                f"text that may be {name}; give it the suffix .{name.lower()}, with a first line that names the columns"
            )
    return f"plain text without records; {READABLE}, or put a line `text` on top and name it .csv"
