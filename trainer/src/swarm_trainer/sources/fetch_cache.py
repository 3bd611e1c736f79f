"""The cache of fetched inputs by the digest of their content, for every run of this machine.

    trees/<digest>/...               folders: models, adapters
    files/<digest>/<name>            single files: seed data
    places/<sha256 of a version>     the digest of a version of a source: of a commit, or of a listing with its etags
    coming/<sha256 of a version>/    a fetch that is not finished; after a kill, the next fetch starts with its files

The folder is `DATASWARM_CACHE`, or else `dataswarm` in the user's cache folder. It belongs to no single run: models are
large, and many runs share a few. A cluster mounts one volume there for all its pods.

Invariants: an entry of `trees` and `files` is whole, and is checked against its digest each time it is used. Two
processes that want the same input wait for each other.

Limits: nothing is ever removed here. To free the disk, delete entries while no run uses them; they are fetched again.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from swarm_core.ports import CorruptError
from swarm_core.recipe import Digest, digest_bytes
from swarm_trainer.stores import files, keys, tree

CACHE_VARIABLE = "DATASWARM_CACHE"


def default_root() -> Path:
    """The cache folder of this machine, from the environment."""
    own = os.environ.get(CACHE_VARIABLE)
    users = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return (Path(own) if own else Path(users) / "dataswarm").expanduser().absolute()


class FetchCache:
    """The cache in the folder `root`, which is made with the first entry."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, digest: Digest) -> Path | None:
        """The folder of `digest`; None if it is not cached. Raises CorruptError if it was changed after it was
        fetched.
        """
        keys.check_digest(digest)
        path = self.root / "trees" / digest
        if not path.is_dir():
            return None
        self._check_digest(path, tree.digest_tree(path), digest)
        return path

    def file(self, digest: Digest) -> Path | None:
        """The file of `digest`; None if it is not cached. Raises CorruptError if it was changed after it was
        fetched.
        """
        keys.check_digest(digest)
        path = next(iter(sorted((self.root / "files" / digest).glob("*"))), None)
        if path is not None:
            self._check_digest(path, files.digest(path), digest)
        return path

    def recall(self, version: bytes) -> Digest | None:
        """The digest of a version of a source; None if it is not known here."""
        try:
            return Digest(self._version_path(version).read_text())
        except FileNotFoundError:
            return None

    def remember(self, version: bytes, digest: Digest) -> None:
        """Record the digest of a version of a source. Raises OSError."""
        with files.temporary_file(self.root / "tmp", digest.encode()) as (temporary, _):
            files.link_if_absent(temporary, self._version_path(version))

    @contextmanager
    def staging_folder(self, version: bytes) -> Iterator[Path]:
        """The folder for an unfinished fetch of a version, with the files of earlier attempts. It is locked for other
        processes.

        The folder is removed afterwards, unless an error ends the block. Raises OSError.
        """
        path = self.root / "coming" / digest_bytes(version)
        with files.exclusive_lock(path.with_suffix(".lock")):
            files.make_folder(path)
            yield path
            shutil.rmtree(path, ignore_errors=True)

    def add_folder(self, fetched: Path, digest: Digest) -> Path:
        """Give a whole folder its name. Raises OSError."""
        path = self.root / "trees" / digest
        files.make_folder(path.parent)
        if not path.is_dir():
            with suppress(FileExistsError):  # another process was first, from another source
                files.rename(fetched, path)
        return path

    def add_file(self, fetched: Path, digest: Digest) -> Path:
        """Move a whole file to its name. Raises OSError."""
        path = self.root / "files" / digest / fetched.name
        files.make_folder(path.parent)
        files.rename(fetched, path)
        return path

    def _version_path(self, version: bytes) -> Path:
        return self.root / "places" / digest_bytes(version)

    def _check_digest(self, path: Path, found: Digest, digest: Digest) -> None:
        if found != digest:
            raise CorruptError(
                f"{path}: its content has sha256 {found}, but its name says {digest}: it was changed after it was"
                " fetched; delete it, and it is fetched again"
            )
