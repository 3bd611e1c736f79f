"""Files that hold what their digest names: read once, and again when somebody may have written to them."""

from pathlib import Path

from swarm_core.ports import CorruptError
from swarm_core.recipe import Digest
from swarm_trainer.stores import files


class DigestChecker:
    """What was found good in this process. Safe to use from many threads: at worst a file is read twice."""

    def __init__(self, way_out: str) -> None:
        self._way_out = way_out
        """When it was changed and what to do, for the refusal."""
        self._stamps: dict[Digest, tuple[int, int, int]] = {}

    def verify(self, path: Path, digest: Digest) -> bool:
        """Whether the file had to be read. Raises CorruptError unless it holds the bytes of `digest`, OSError."""
        stamp = files.stamp(path)  # taken first: who writes while we read leaves another stamp
        if self._stamps.get(digest) == stamp:
            return False
        found = files.digest(path)
        if found != digest:
            raise CorruptError(
                f"{path}: its bytes have sha256 {found}, its name says {digest}: it was changed {self._way_out}"
            )
        self._stamps[digest] = stamp
        return True

    def mark_verified(self, path: Path, digest: Digest) -> None:
        """Take the file, which was checked as it came, for good. Raises OSError."""
        self._stamps[digest] = files.stamp(path)
