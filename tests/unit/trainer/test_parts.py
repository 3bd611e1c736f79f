"""Large files on their way to a bucket: cut to parts, and never two files in one."""

from pathlib import Path

import pytest

from swarm_core.ports import StoreError
from swarm_trainer.stores import files, parts


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of three parts."""
    path = tmp_path / "large"
    path.write_bytes(bytes(2 * parts.PART + 1))
    return path


def test_the_parts_are_the_file(source: Path) -> None:
    pieces = list(parts.pieces(source, files.stamp(source)))
    assert b"".join(pieces) == source.read_bytes()
    assert [len(piece) for piece in pieces] == [parts.PART, parts.PART, 1]


@pytest.mark.parametrize("mode", ["ab", "r+b", "wb"], ids=["longer", "other bytes", "shorter"])
def test_a_file_that_is_written_to_meanwhile_is_refused_before_its_last_part(source: Path, mode: str) -> None:
    pieces = parts.pieces(source, files.stamp(source))
    next(pieces)
    with source.open(mode) as file:
        file.write(b"1")
    with pytest.raises(StoreError, match="changed while it was read"):
        list(pieces)


def test_no_file_has_more_parts_than_an_object_may_have() -> None:
    for size in (1, parts.PART, 5 * 2**40):
        assert -(-size // parts.part_size(size)) <= parts.MOST
