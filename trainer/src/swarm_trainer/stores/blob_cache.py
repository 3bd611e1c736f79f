"""Blobs of a remote store in a local folder: fetched once, checked, and checked again if the file changed.

Limits: nothing here is ever removed. To free the disk, delete files while no process reads them.
"""

import threading
import uuid
from collections.abc import Callable
from pathlib import Path

from swarm_core.recipe import Digest
from swarm_trainer.stores import files
from swarm_trainer.stores.digest_checker import DigestChecker

READ_ONLY_MODE = 0o444


class BlobCache:
    """The blobs in the folder `root`, which is made with the first blob. Safe to use from many threads."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._checked = DigestChecker("after it was fetched; delete it, and it is fetched again")
        self._fetching: dict[Digest, threading.Lock] = {}

    def get(self, digest: Digest, fetch: Callable[[Path], None]) -> Path:
        """The file of `digest`. If it does not exist, `fetch` writes it and checks it. Raises CorruptError,
        StoreError.
        """
        path = self.root / "blobs" / digest[:2] / digest
        with files.translate_os_errors(self.root), self._fetching.setdefault(digest, threading.Lock()):
            if not path.exists():
                self._fetch(path, fetch)
                self._checked.mark_verified(path, digest)
            self._checked.verify(path, digest)
        return path

    def _fetch(self, path: Path, fetch: Callable[[Path], None]) -> None:
        """Make `path`, whole or not at all. Raises OSError and what `fetch` raises."""
        temporary = self.root / "tmp" / uuid.uuid4().hex
        temporary.parent.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            fetch(temporary)
            temporary.chmod(READ_ONLY_MODE)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
