"""The store in a folder: `swarm_core.ports.ArtifactStore` on one machine, or on a volume that its processes share.

    blobs/<2 hex>/<digest>     artifacts, read-only
    names/<key>                write-once names, and pointers
    tmp/                       files being written; leftovers of killed processes are harmless and may be deleted
    swap.lock                  held while a pointer moves

A file with a name is whole. A blob is checked against its digest when it is first read, and again when its inode,
modification time or size differs from the last check.

Limits: those of `files`. A key cannot be another key's folder (`a` and `a/b`). Callers use a key either with `swap` (a
pointer) or with `publish` (a write-once name), never with both.
"""

from pathlib import Path

from swarm_core.ports import StoreError
from swarm_core.recipe import Digest, digest_bytes
from swarm_core.usage import Usage
from swarm_trainer.meter import Meter
from swarm_trainer.stores import files, keys
from swarm_trainer.stores.digest_checker import DigestChecker

READ_ONLY_MODE = 0o444
"""Mode of a blob. Hard links share the file, and a change through one of them would corrupt the blob."""


class LocalStore:
    """Artifacts and names in the folder `root`, which is made at the first write."""

    def __init__(self, root: Path, meter: Meter | None = None) -> None:
        """`meter` counts the bytes written, and the bytes read for a check or for a caller."""
        self.root = root.absolute()
        self._meter = meter or Meter()
        self._checked = DigestChecker("after it was written; restore it from a copy, or start the run in a new folder")

    def put(self, source: Path | bytes) -> Digest:
        """Store these bytes; returns their digest. Streams files. Raises StoreError."""
        with files.translate_os_errors(self.root):
            digest = digest_bytes(source) if isinstance(source, bytes) else files.digest(source)
            if self._blob(digest).exists():
                return digest
            with files.temporary_file(self.root / "tmp", source) as (temporary, written):
                temporary.chmod(READ_ONLY_MODE)
                files.link_if_absent(temporary, self._blob(written))
                self._meter.add(Usage(bytes_written=self._blob(written).stat().st_size))
            return written

    def get(self, digest: Digest) -> Path:
        """The file of the blob `digest`, checked. Raises CorruptError, StoreError if absent, ValueError on a bad
        digest.
        """
        keys.check_digest(digest)
        path = self._blob(digest)
        with files.translate_os_errors(self.root):
            if not path.exists():
                raise StoreError(
                    f"{digest}: the store {self.root} does not have it; put it first, or give the store that has it"
                )
            if self._checked.verify(path, digest):
                self._meter.add(Usage(bytes_read=path.stat().st_size))
        return path

    def publish(self, key: str, data: bytes) -> bytes:
        """Write `data` to `key` unless the key exists; returns the bytes at the key. Raises StoreError, ValueError
        on a bad key.
        """
        existing = self.read(key)
        if existing is None:
            with files.translate_os_errors(self.root), files.temporary_file(self.root / "tmp", data) as (temporary, _):
                existing = self._claim(key, temporary)
        return data if existing is None else existing

    def read(self, key: str) -> bytes | None:
        """The bytes at `key`, or None. Raises StoreError, ValueError on a bad key."""
        keys.check_key(key)
        with files.translate_os_errors(self.root):
            try:
                data = self._name(key).read_bytes()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                return None
        self._meter.add(Usage(bytes_read=len(data)))
        return data

    def swap(self, key: str, expected: bytes | None, data: bytes) -> bool:
        """Move `key` from `expected` to `data`; False if it holds another value. Raises StoreError, ValueError."""
        keys.check_key(key)
        with files.translate_os_errors(self.root), files.exclusive_lock(self.root / "swap.lock"):
            if self.read(key) != expected:
                return False
            with files.temporary_file(self.root / "tmp", data) as (temporary, _):
                if expected is None:
                    return self._claim(key, temporary) is None
                files.rename(temporary, self._name(key))
        self._meter.add(Usage(bytes_written=len(data)))
        return True

    def _claim(self, key: str, temporary: Path) -> bytes | None:
        """Give `key` the bytes of `temporary`. Returns None, or the bytes that were there first. Raises StoreError,
        OSError.
        """
        try:
            if files.link_if_absent(temporary, self._name(key)):
                self._meter.add(Usage(bytes_written=temporary.stat().st_size))
                return None
            existing = self.read(key)
        except NotADirectoryError:
            existing = None
        if existing is None:
            raise StoreError(f"{self._name(key)}: a key cannot be another key's folder; choose another key")
        return existing

    def _blob(self, digest: Digest) -> Path:
        return self.root / "blobs" / digest[:2] / digest

    def _name(self, key: str) -> Path:
        return self.root / "names" / key
