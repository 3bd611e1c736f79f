"""Files that are whole at any moment: written under a temporary name, synced, then renamed.

A process that is killed or finds the disk full leaves at most a temporary file, which nothing reads. A new name is made
with a hard link, so it cannot replace one. An existing name is replaced by a rename. The folder is synced after either,
so a name that was seen once survives a power cut.

Limits: the folder must be on one file system that supports hard links. `flock` must work for every process that shares
it.
"""

import errno
import fcntl
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from swarm_core.ports import StoreError
from swarm_core.recipe import Digest

CHUNK = 1 << 20
"""Bytes read at a time, so that memory does not grow with the file."""

NO_SPACE = (
    "the disk is full, and the store writes whole files or none; free some space, or give a folder on another disk"
)
NO_ACCESS = "the store must be able to read and write here; allow it, or give another folder"
NO_HARD_LINKS = "write-once names need a file system with hard links; give a folder on another disk"
MISSING_FILE = "a required file is missing; check the path, and that no other program removes files"
UNUSABLE_DISK = "the store needs its own folder on a working disk; check both, or give another folder"
REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), NO_SPACE),
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), NO_ACCESS),
    **dict.fromkeys((errno.ENOENT, errno.EISDIR), MISSING_FILE),
    **dict.fromkeys((errno.EXDEV, errno.EMLINK, errno.EOPNOTSUPP), NO_HARD_LINKS),
}


@contextmanager
def translate_os_errors(folder: Path) -> Iterator[None]:
    """Turn an OSError into a StoreError of one line: the file (or `folder`), the reason, the rule and the way out."""
    try:
        yield
    except OSError as error:
        name = error.filename or folder
        way_out = REMEDIES.get(error.errno or 0, UNUSABLE_DISK)
        raise StoreError(f"{os.fsdecode(name)}: {error.strerror or error}: {way_out}") from error


def digest(path: Path) -> Digest:
    """The sha256 of a file's bytes, read in chunks. Raises OSError."""
    with path.open("rb") as file:
        return Digest(hashlib.file_digest(file, "sha256").hexdigest())


def stamp(path: Path) -> tuple[int, int, int]:
    """Inode, modification time in ns, and size: they stay the same as long as nothing writes to the file. Raises
    OSError.
    """
    seen = path.stat()
    return seen.st_ino, seen.st_mtime_ns, seen.st_size


@contextmanager
def temporary_file(folder: Path, source: Path | bytes) -> Iterator[tuple[Path, Digest]]:
    """A synced temporary file in `folder` with the bytes of `source`, and their digest. It is removed afterwards.
    Raises OSError.
    """
    make_folder(folder)
    path = folder / uuid.uuid4().hex
    sha256 = hashlib.sha256()
    with path.open("xb") as file:
        try:
            for chunk in iter_chunks(source):
                sha256.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
            yield path, Digest(sha256.hexdigest())
        finally:
            path.unlink(missing_ok=True)


def iter_chunks(source: Path | bytes) -> Iterator[bytes]:
    """The bytes of `source`; those of a file in chunks of at most CHUNK bytes. Raises OSError."""
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def link_if_absent(temporary: Path, name: Path) -> bool:
    """Give the file `temporary` the second name `name`. False, without a change, if the name exists. Raises OSError."""
    make_folder(name.parent)
    try:
        os.link(temporary, name)
    except FileExistsError:
        return False
    sync_folder(name.parent)
    return True


def rename(temporary: Path, name: Path) -> None:
    """Give the file `temporary` the name `name`, replacing any file of that name. Raises OSError."""
    temporary.replace(name)
    sync_folder(name.parent)


def make_folder(folder: Path) -> None:
    """Make `folder` and its parents, synced. Raises OSError."""
    if not folder.is_dir():
        make_folder(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir()
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Sync the names in `folder` to disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold the lock at `path` against every thread and process. A process that dies releases it. Raises OSError."""
    make_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
