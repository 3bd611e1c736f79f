"""Seed data in every layout, encoding and compression, and files of other formats under the name of seed data."""

import gzip
import io
import lzma
import pickle
import sqlite3
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from odd_file import PLAIN, TEXTS, OddFile, compress, layouts, lines

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be")


def encoded() -> Iterator[OddFile]:
    """Every layout in every encoding, with every line end, and compressed in every way."""
    for name, text in layouts(TEXTS).items():
        for encoding in ENCODINGS:
            yield OddFile(name, text.encode(encoding), TEXTS)
    for name, text in layouts(PLAIN).items():
        yield OddFile(name, text.replace("\n", "\r\n").encode(), PLAIN)
        yield OddFile(name, text.replace("\n", "\r").encode(), PLAIN)
        yield OddFile(name, ("\n \n" + text if name.endswith("json") else text + "\n\n").encode(), PLAIN)
    for name, text in layouts(TEXTS).items():
        for packing in ("gz", "bz2", "xz", "zst"):
            packed = compress(packing, text.encode())
            yield OddFile(f"{name}.{packing}", packed, TEXTS)
            yield OddFile(f"{name}.{packing}", packed[:-9], words=("truncated",) if packing != "zst" else ("copy it",))
    for name, text in layouts(("a é", *PLAIN)).items():
        yield OddFile(name, text.encode("latin-1"), words=("line", "0xe9", "save it as UTF-8"))


def archive(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name in names:
            file.writestr(name, b"x")
    return stream.getvalue()


def tar(name: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as file:
        file.addfile(tarfile.TarInfo(name))
    return stream.getvalue()


def database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.db"
        connection = sqlite3.connect(path)
        connection.execute("create table t (a)")
        connection.close()
        return path.read_bytes()


def arrow(kind: Callable[..., Any]) -> bytes:
    sink, rows = pa.BufferOutputStream(), pa.table({"text": ["a"]})
    with kind(sink, rows.schema) as writer:
        writer.write_table(rows)
    return bytes(sink.getvalue())


def safetensors() -> bytes:
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    return struct.pack("<Q", len(header)) + header + b"\0\0\0\0"


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"
OTHERS: Mapping[str, tuple[bytes, str]] = {
    "PDF": (b"%PDF-1.7\n%\xe2\xe3\n1 0 obj", "PDF document"),
    "zip": (archive("a.jsonl"), "zip archive"),
    "damaged zip": (archive("a.jsonl")[:30], "damaged zip archive"),
    "xlsx": (archive("[Content_Types].xml", "xl/workbook.xml"), "Excel workbook"),
    "docx": (archive("[Content_Types].xml", "word/document.xml"), "Word document"),
    "ods": (archive("mimetype", "content.xml"), "OpenDocument"),
    "torch": (archive("archive/data.pkl", "archive/data/0"), "PyTorch file"),
    "npz": (archive("a.npy"), "NumPy arrays"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Office document"),
    "sqlite": (database(), "SQLite database"),
    "feather": (arrow(pa.ipc.new_file), "Arrow IPC (Feather) file"),
    "stream": (arrow(pa.ipc.new_stream), "Arrow IPC stream"),
    "feather 1": (b"FEA1" + bytes(20), "Feather file, version 1"),
    "pickle": (pickle.dumps([{"text": "a"}]), "pickle"),
    "old pickle": (pickle.dumps([{"text": "a"}], protocol=2), "pickle"),
    "safetensors": (safetensors(), "safetensors file"),
    "login page": (b"<!DOCTYPE html>\n<html><head><title>Log in</title>", "HTML page"),
    "error page": (b"\n  <html lang='en'><body>404</body></html>", "HTML page"),
    "xml": (b'<?xml version="1.0"?><items/>', "XML document"),
    "pointer": (POINTER, "Git LFS pointer"),
    "nothing": (b"", "empty"),
    "blanks": (b"\n \n\t\n", "contains no items"),
    "random": (bytes(range(256)) * 8, "binary data"),
    "zeros": (bytes(4096), "binary data"),
    "tar": (tar("a.jsonl"), "tar archive"),
    "orc": (b"ORC" + bytes(50), "ORC file"),
    "avro": (b"Obj\x01" + bytes(50), "Avro file"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(50), "HDF5 file"),
    "npy": (b"\x93NUMPY\x01\x00" + bytes(50), "NumPy array"),
    "gguf": (b"GGUF" + bytes(50), "GGUF model"),
    "elf": (b"\x7fELF" + bytes(50), "program"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(50), "PNG image"),
    "jpeg": (b"\xff\xd8\xff\xe0" + bytes(50), "JPEG image"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(50), "7z archive"),
    "rar": (b"Rar!\x1a\x07" + bytes(50), "RAR archive"),
    "lz4": (b"\x04\x22\x4d\x18" + bytes(50), "LZ4 file"),
    "rtf": (b"{\\rtf1\\ansi", "RTF document"),
    "encrypted": (b"PARE" + bytes(50), "encrypted Parquet file"),
    "damaged gzip": (b"\x1f\x8b\x08" + bytes(50), "damaged"),
    "short gzip": (b"\x1f\x8b\x08\x00", "truncated"),
    "gzip of nothing": (gzip.compress(b""), "gzip data that contains nothing"),
    "gzip of gzip": (gzip.compress(gzip.compress(b"{}")), "gzip data that contains gzip data again"),
    "gzip of tar": (gzip.compress(tar("a")), "gzip data that contains a tar archive"),
    "gzip of HTML": (gzip.compress(b"<html>"), "HTML page"),
    "damaged bzip2": (b"BZh91AY&SY" + bytes(50), "damaged"),
    "damaged xz": (b"\xfd7zXZ\x00" + bytes(50), "damaged"),
    "damaged zst": (b"\x28\xb5\x2f\xfd" + b"\xff" * 50, "damaged"),
    "magic only": (b"PAR1", "Parquet data is damaged"),
    "not Parquet": (b"PAR1" + bytes(range(256)) + b"PAR1", "Parquet data is damaged"),
}


def foreign() -> Iterator[OddFile]:
    """What is not data, under a name that says otherwise."""
    for content, words in OTHERS.values():
        yield OddFile("seeds.jsonl", content, words=(words,))
        if words != "contains no items":
            yield OddFile("seeds.csv", content, words=(words,))
    yield OddFile("seeds.txt", b"one question per line\nanother\n", words=("plain text without records",))
    yield OddFile("seeds.txt", b"question,answer\n1+1,2\n", words=("text that may be CSV", "suffix .csv"))
    yield OddFile("seeds.dat", b"question\tanswer\n1+1\t2\n", words=("text that may be TSV",))
    yield OddFile("seeds.yaml", b"- text: a\n", words=("is YAML", "convert it"))
    yield OddFile("seeds.jsonl.lzma", lzma.compress(b"{}", lzma.FORMAT_ALONE), words=("LZMA", "decompress it"))
    yield OddFile("seeds.jsonl.gz", gzip.compress(b'{"text": "a"}')[:-6], words=("the gzip data ends too early",))
    yield OddFile(
        "table.parquet.gz", gzip.compress(b"PAR1" + bytes(50)), words=("gzip", "a Parquet file", "decompress")
    )
    yield OddFile("lines.csv", lines([{"text": "a"}, {"text": "b"}]).encode(), ("a", "b"))
