"""The artifact store in memory, under the same contract suite as the real ones (`tests/contract/test_store.py`)."""

import re
import threading
from pathlib import Path

from swarm_core.ports import CorruptError, StoreError
from swarm_core.recipe import Digest, digest_bytes


class FakeStore:
    """The store in memory. `get` hands out files in `scratch`, because the port promises files."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.blobs: dict[Digest, bytes] = {}
        self.names: dict[str, bytes] = {}
        self.lock = threading.Lock()

    def put(self, source: Path | bytes) -> Digest:
        try:
            data = source if isinstance(source, bytes) else source.read_bytes()
        except OSError as error:
            raise StoreError(f"{source}: {error.strerror}; give a file that can be read") from error
        digest = digest_bytes(data)
        self.blobs.setdefault(digest, data)
        return digest

    def get(self, digest: Digest) -> Path:
        if not re.fullmatch("[0-9a-f]{64}", digest):
            raise ValueError(f"{digest!r}: not a digest; pass what put() returned")
        if digest not in self.blobs:
            raise StoreError(f"{digest}: not in the store; put it first")
        path = self.scratch / digest
        with self.lock:
            if not path.exists():
                path.write_bytes(self.blobs[digest])
        found = digest_bytes(path.read_bytes())
        if found != digest:
            raise CorruptError(f"{path}: its bytes have sha256 {found}, its name says {digest}; remove the file")
        return path

    def publish(self, key: str, data: bytes) -> bytes:
        return self.names.setdefault(checked(key), data)

    def read(self, key: str) -> bytes | None:
        return self.names.get(checked(key))

    def swap(self, key: str, expected: bytes | None, data: bytes) -> bool:
        with self.lock:
            if self.names.get(checked(key)) != expected:
                return False
            self.names[key] = data
            return True


def checked(key: str) -> str:
    if not re.fullmatch(r"[\w.=-]+(/[\w.=-]+)*", key, re.ASCII) or {".", ".."} & set(key.split("/")):
        raise ValueError(f"{key!r}: not a key; rename it")
    return key
