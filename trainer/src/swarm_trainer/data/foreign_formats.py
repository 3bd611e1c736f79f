"""Names the formats that are no seed data, by the first bytes of a file, with the way out of each.

Limits: a format without a signature is not known here.
"""

import zipfile
from pathlib import Path

PARQUET_ADVICE = 'convert it: `pandas.read_{}(path).to_parquet("seeds.parquet")`'
SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "a PDF document", "extract the questions into a JSON Lines or CSV file"),
    (b"SQLite format 3\x00", "an SQLite database", "export one table as CSV: `sqlite3 -header -csv FILE 'SELECT ...'`"),
    (b"ARROW1", "an Arrow IPC (Feather) file", PARQUET_ADVICE.format("feather")),
    (b"FEA1", "a Feather file, version 1", PARQUET_ADVICE.format("feather")),
    (
        b"\xff\xff\xff\xff",
        "an Arrow IPC stream",
        'convert it: `datasets.Dataset.from_file(path).to_json("seeds.jsonl")`',
    ),
    (b"PARE", "an encrypted Parquet file", "write it without encryption"),
    (b"ORC", "an ORC file", PARQUET_ADVICE.format("orc")),
    (b"Obj\x01", "an Avro file", "convert it to JSON Lines"),
    (b"\x89HDF\r\n", "an HDF5 file", PARQUET_ADVICE.format("hdf")),
    (b"\x93NUMPY", "a NumPy array", "write one JSON object per line"),
    (b"GGUF", "a GGUF model", "give the data, not the model"),
    (b"\x7fELF", "a program", "give a data file"),
    (b"\x89PNG", "a PNG image", "give a file of text"),
    (b"\xff\xd8\xff", "a JPEG image", "give a file of text"),
    (b"GIF8", "a GIF image", "give a file of text"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it, and give the file in it"),
    (b"Rar!", "a RAR archive", "unpack it, and give the file in it"),
    (b"\x04\x22\x4d\x18", "an LZ4 file", "decompress it: `lz4 -d FILE`"),
    (b"]\x00\x00", "an LZMA file of the old form", "decompress it: `xz -d --format=lzma FILE`"),
    (b"\xff\x06\x00\x00sNaPpY", "a Snappy file", "decompress it"),
    (b"\xd0\xcf\x11\xe0", "an old Office document (such as .xls)", "save the sheet as CSV"),
    (b"{\\rtf", "an RTF document", "extract the questions into a JSON Lines or CSV file"),
    (b"version https://git-lfs.github.com", "a Git LFS pointer, not the file itself", "fetch it: `git lfs pull`"),
)
ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
ZIP_CONTENTS = (
    ("xl/", "an Excel workbook", "save the sheet as CSV"),
    ("word/", "a Word document", "extract the questions into a JSON Lines or CSV file"),
    ("ppt/", "a PowerPoint document", "extract the questions into a JSON Lines or CSV file"),
    ("content.xml", "an OpenDocument file", "save the sheet as CSV"),
)
TAR_PLACE, TAR_SIGNATURE = 257, b"ustar"


def identify(path: Path, head: bytes, *, packed: bool) -> tuple[str, str] | None:
    """What a file is that is no data, and the way out; None if no signature matches. `packed`: it is compressed."""
    for signature, name, advice in SIGNATURES:
        if head.startswith(signature):
            return name, advice
    if head.startswith(ZIP_SIGNATURES):
        return describe_zip(path, packed=packed)
    if head[TAR_PLACE : TAR_PLACE + len(TAR_SIGNATURE)] == TAR_SIGNATURE:
        return "a tar archive", "unpack it, and give the file in it"
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05":
        return "a pickle, which is never read because reading it executes code", "write JSON Lines instead"
    if head[8:10] == b'{"' and int.from_bytes(head[:8], "little") < 1 << 32 and head[4:8] == b"\0\0\0\0":
        return "a safetensors file", "give the data, not the model"
    return None


def describe_zip(path: Path, *, packed: bool) -> tuple[str, str]:
    """What a zip archive contains, and the way out."""
    names: list[str] = []
    if not packed:
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            return "a damaged zip archive", "copy it again, unpack it, and give the file in it"
    for prefix, name, advice in ZIP_CONTENTS:
        if any(one.startswith(prefix) for one in names):
            return name, advice
    if any(one.endswith("data.pkl") for one in names):
        return "a PyTorch file, which is never read because reading it executes code", "write JSON Lines instead"
    if names and all(one.endswith(".npy") for one in names):
        return "an archive of NumPy arrays", "write one JSON object per line"
    return "a zip archive", "unpack it, and give the file in it"
