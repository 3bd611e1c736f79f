"""Checks that files hold the bytes that their digest names: on first use, and again when a file may have changed."""

from pathlib import Path

from swarm_core.ports import CorruptError
from swarm_core.recipe import Digest
from swarm_trainer.stores import files


class DigestChecker:
    """Remembers the files that this process verified. Safe to use from many threads: at worst a file is read twice."""

    def __init__(self, way_out: str) -> None:
        self._way_out = way_out
        """The end of the error message: when the file was changed, and the way out."""
        self._stamps: dict[Digest, tuple[int, int, int]] = {}

    def verify(self, path: Path, digest: Digest) -> bool:
        """Verify the file; returns whether it had to be read. Raises CorruptError unless it holds the bytes of
        `digest`, OSError.
        """
        stamp = files.stamp(path)  # taken first: a write while we read changes the stamp
        if self._stamps.get(digest) == stamp:
            return False
        found = files.digest(path)
        if found != digest:
            raise CorruptError(
                f"{path}: its bytes have sha256 {found}, but its name says {digest}: it was changed {self._way_out}"
            )
        self._stamps[digest] = stamp
        return True

    def mark_verified(self, path: Path, digest: Digest) -> None:
        """Accept the file as verified, because it was checked while it was fetched. Raises OSError."""
        self._stamps[digest] = files.stamp(path)
