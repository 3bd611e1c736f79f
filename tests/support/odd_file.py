"""One odd file of seed data, and what is right for it; the layouts and compressions that files share."""

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

TEXTS = (
    "What is 3+2?",
    "Qu'est-ce que c'est ?",
    "正しいものは？",
    'Say "no", twice',
    "line one\nline two",
    "🙂 or not",
)
PLAIN = ("a b", "c d", "e f")


@dataclass(frozen=True)
class OddFile:
    """One file."""

    name: str
    content: bytes
    texts: Sequence[str] | None = None
    """The texts of its items; None if it is refused."""
    words: Sequence[str] = ()
    """What the refusal says."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the block `data` of the spec."""


def lines(records: Sequence[object], **options: Any) -> str:
    return "".join(json.dumps(record, **options) + "\n" for record in records)


def table(rows: Sequence[Sequence[str]], separator: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
    return text.getvalue()


def layouts(texts: Sequence[str]) -> dict[str, str]:
    """The same items in every layout of text, by the name of the file."""
    records = [{"question": text, "answer": "4"} for text in texts]
    return {
        "lines.jsonl": lines(records, ensure_ascii=False),
        "compact.json": json.dumps(records, ensure_ascii=False),
        "pretty.json": json.dumps(records, ensure_ascii=False, indent=2),
        "document.json": json.dumps(
            {"name": "x", "dev": records, "test": [{"question": "hidden"}]}, ensure_ascii=False
        ),
        "objects.json": "\n".join(json.dumps(record, ensure_ascii=False, indent=2) for record in records),
        "table.csv": table([("question", "answer"), *((text, "4") for text in texts)]),
        "table.tsv": table([("question", "answer"), *((text, "4") for text in texts)], "\t"),
        "semicolons.csv": table([("question", "answer"), *((text, "4") for text in texts)], ";"),
    }


def compress(name: str, data: bytes) -> bytes:
    match name:
        case "gz":
            return gzip.compress(data)
        case "bz2":
            return bz2.compress(data)
        case "xz":
            return lzma.compress(data)
        case _:
            sink = pa.BufferOutputStream()
            with pa.CompressedOutputStream(sink, "zstd") as stream:
                stream.write(data)
            return bytes(sink.getvalue())


def nested(record: object) -> bytes:
    return lines([record, record]).encode()
