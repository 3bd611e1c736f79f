"""Searches all files of a run for secrets, including compressed files."""

import gzip
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path


def find_words(places: Iterable[Path], words: Sequence[str]) -> list[tuple[str, Path]]:
    """Each word with the file whose bytes or name contain it; `places` are files and folders."""
    assert all(words)
    return [
        (word, path)
        for place in places
        for path in list_files(place)
        for word in words
        if contains_word(path, word.encode())
    ]


def list_files(place: Path) -> Iterator[Path]:
    """The files at and below `place`."""
    if place.is_file():
        yield place
    yield from (path for path in place.rglob("*") if path.is_file())


def contains_word(path: Path, word: bytes) -> bool:
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data += gzip.decompress(data)
    return word in data or word in bytes(path)
