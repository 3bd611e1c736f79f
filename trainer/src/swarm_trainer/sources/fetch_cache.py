"""What was fetched, by the digest of what it holds, for every run of this machine.

    trees/<digest>/...               folders: models, adapters
    files/<digest>/<name>            single files: seed data
    places/<sha256 of a version>     the digest that a version of a place had: a commit, or a listing with its etags
    coming/<sha256 of a version>/    what is on its way; after a kill, the next fetch begins with the files here

The folder is `DATASWARM_CACHE`, else `dataswarm` in the user's cache. It is no run's own: models are large, and many
runs share a few. A cluster mounts one volume there for all its pods.

Invariants: what stands in `trees` and `files` is whole, and is read against its digest each time it is handed out. Two
processes that want the same wait for each other. Nothing is ever removed here; whoever needs the room deletes what he
likes while no run uses it, and it is fetched again.
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
    """The cache of this machine, as the environment says."""
    own = os.environ.get(CACHE_VARIABLE)
    users = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return (Path(own) if own else Path(users) / "dataswarm").expanduser().absolute()


class FetchCache:
    """The cache in the folder `default_root`, which is made when the first thing comes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, digest: Digest) -> Path | None:
        """The folder of `digest`; None if it was never fetched. Raises CorruptError if it was changed since."""
        keys.check_digest(digest)
        path = self.root / "trees" / digest
        if not path.is_dir():
            return None
        self._check_digest(path, tree.digest_tree(path), digest)
        return path

    def file(self, digest: Digest) -> Path | None:
        """The file of `digest`; None if it was never fetched. Raises CorruptError if it was changed since."""
        keys.check_digest(digest)
        path = next(iter(sorted((self.root / "files" / digest).glob("*"))), None)
        if path is not None:
            self._check_digest(path, files.digest(path), digest)
        return path

    def recall(self, version: bytes) -> Digest | None:
        """The digest of what a version of a place held; None if it is not known here."""
        try:
            return Digest(self._version_path(version).read_text())
        except FileNotFoundError:
            return None

    def remember(self, version: bytes, digest: Digest) -> None:
        """Note what a version of a place held. Raises OSError."""
        with files.temporary_file(self.root / "tmp", digest.encode()) as (temporary, _):
            files.link_if_absent(temporary, self._version_path(version))

    @contextmanager
    def staging_folder(self, version: bytes) -> Iterator[Path]:
        """The folder in which a version of a place is gathered, with what came before; no other process is in it.

        It is gone after, unless an error ends the block. Raises OSError.
        """
        path = self.root / "coming" / digest_bytes(version)
        with files.exclusive_lock(path.with_suffix(".lock")):
            files.make_folder(path)
            yield path
            shutil.rmtree(path, ignore_errors=True)

    def add_folder(self, fetched: Path, digest: Digest) -> Path:
        """Give a folder that came whole its name. Raises OSError."""
        path = self.root / "trees" / digest
        files.make_folder(path.parent)
        if not path.is_dir():
            with suppress(FileExistsError):  # another process was first, from another place
                files.rename(fetched, path)
        return path

    def add_file(self, fetched: Path, digest: Digest) -> Path:
        """Give a file that came whole its place. Raises OSError."""
        path = self.root / "files" / digest / fetched.name
        files.make_folder(path.parent)
        files.rename(fetched, path)
        return path

    def _version_path(self, version: bytes) -> Path:
        return self.root / "places" / digest_bytes(version)

    def _check_digest(self, path: Path, found: Digest, digest: Digest) -> None:
        if found != digest:
            raise CorruptError(
                f"{path}: holds what has sha256 {found}, its name says {digest}: it was changed after it was fetched;"
                " delete it, and it is fetched again"
            )
