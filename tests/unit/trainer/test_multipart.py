"""Large files on their way to a bucket: cut to parts, and never two files in one."""

from pathlib import Path

import pytest

from swarm_core.ports import StoreError
from swarm_trainer.stores import files, multipart


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of three parts."""
    path = tmp_path / "large"
    path.write_bytes(bytes(2 * multipart.PART_BYTES + 1))
    return path


def test_the_parts_are_the_file(source: Path) -> None:
    with source.open("rb") as file:
        large = multipart.UploadSource(source, file.fileno(), files.stamp(source))
        assert [size for _, size in large.ranges()] == [multipart.PART_BYTES, multipart.PART_BYTES, 1]
        assert b"".join(multipart.PartBody(large.file, *one).read() for one in large.ranges()) == source.read_bytes()


def test_a_part_is_read_as_often_as_a_checksum_asks_and_never_beyond_its_end(source: Path) -> None:
    source.write_bytes(bytes(range(256)) * 4096)
    with source.open("rb") as file:
        part, whole = multipart.PartBody(file.fileno(), 1000, 600_000), source.read_bytes()[1000:601_000]
        for _ in range(2):
            assert b"".join(iter(lambda: part.read(16384), b"")) == whole
            assert part.tell() == len(whole) == part.seek(0, 2)
            assert part.seek(10) == 10
            assert part.seek(5, 1) == 15
            assert part.read(1) == whole[15 : 15 + multipart.MIN_READ_BYTES]
            part.seek(0)


@pytest.mark.parametrize("mode", ["ab", "r+b", "wb"], ids=["longer", "other bytes", "shorter"])
def test_a_file_that_is_written_to_meanwhile_is_refused(source: Path, mode: str) -> None:
    with source.open("rb") as file:
        large = multipart.UploadSource(source, file.fileno(), files.stamp(source))
        large.check()
        with source.open(mode) as other:
            other.write(b"1")
        with pytest.raises(StoreError, match="changed while it was read"):
            large.check()


def test_no_file_has_more_parts_than_an_object_may_have() -> None:
    for size in (1, multipart.PART_BYTES, 5 * 2**40):
        assert -(-size // multipart.part_size(size)) <= multipart.MAX_PARTS


@pytest.mark.parametrize("size", [9 << 20, 135_000_000, 540_000_000, 3 << 30, 5 << 40])
def test_no_thread_has_more_to_send_than_another_and_no_part_is_out_of_bounds(size: int) -> None:
    length = multipart.sent_part_size(size)
    count = -(-size // length)
    assert length >= multipart.PART_BYTES
    assert count <= multipart.MAX_PARTS
    if length not in (multipart.part_size(size), multipart.PART_BYTES):
        assert length <= multipart.MAX_SENT_PART_BYTES
        assert count % multipart.THREADS == 0
