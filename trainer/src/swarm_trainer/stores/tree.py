"""A folder (a model, an adapter) as an artifact: its files as blobs, and a manifest that names them.

    {"config.json": {"sha256": "...", "size": 683}, "sub/model.safetensors": {...}}      canonical JSON

The digest of the manifest is the digest of the folder. The same files under the same names have the same digest,
whatever their location, times and modes. Hidden files and folders (`.cache`, `.gitattributes`) and empty folders are
left out.

Invariants: no file from outside the folder gets in, because links that leave it are refused. No file is unpacked
outside its target, because every path of a manifest is checked. Pickle, recognized by its suffix, is refused, because
reading a pickle executes it.
"""

import errno
import json
import os
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from swarm_core.errors import BadInputError
from swarm_core.ports import ArtifactStore, CorruptError, StoreError
from swarm_core.recipe import Digest, canonical_json, digest_bytes
from swarm_trainer.stores import files, keys

PICKLE_SUFFIXES = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"})
"""Suffixes of pickled models."""


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One file of a tree."""

    sha256: Digest
    size: int
    """In bytes."""


Manifest = Mapping[str, TreeEntry]
"""The files of a tree by relative path, with `/` between its parts."""
SelectNames = Callable[[Collection[str], Callable[[str], bytes]], Collection[str]]
"""Selects files by their names. Its second argument reads one of them. Raises BadInputError."""


def digest_tree(folder: Path, select: SelectNames | None = None) -> Digest:
    """The digest that `put_tree` would return. Stores nothing. Raises BadInputError if `folder` cannot be an
    artifact.
    """
    with refuse_unreadable(folder):
        entries = {
            name: TreeEntry(files.digest(path), path.stat().st_size)
            for name, path in list_files(folder, select).items()
        }
    return digest_bytes(to_bytes(entries))


def put_tree(store: ArtifactStore, folder: Path, select: SelectNames | None = None) -> Digest:
    """Store the selected files of `folder`, then their manifest; returns the manifest's digest. Raises BadInputError,
    StoreError.
    """
    with refuse_unreadable(folder):
        found = list_files(folder, select)
        entries = {name: put_file(store, path) for name, path in found.items()}
    return store.put(to_bytes(entries))


def get_tree(store: ArtifactStore, digest: Digest, into: Path, *, links: bool = False) -> Path:
    """The folder of `digest`, complete and checked, at `into/<digest>`. It is made if it does not exist.

    Its files are copies that belong to the caller. With `links` they are hard links to the store's files where
    possible; those take no space and must not be written to. Raises CorruptError, StoreError if the store has no such
    tree.
    """
    entries = from_bytes(digest, store.get(digest).read_bytes())
    target = into / digest
    with files.translate_os_errors(into):
        if not target.exists():
            unpack(store, entries, target, links)
        verify(store, entries, target)
    return target


def list_files(folder: Path, select: SelectNames | None = None) -> dict[str, Path]:
    """The selected files of `folder` by relative path, sorted. Raises BadInputError, OSError."""
    root = folder.resolve()
    if not root.is_dir():
        raise BadInputError(f"{folder}: not a folder; give the folder that holds the model's or adapter's files")
    found: dict[str, Path] = {}
    for parent, folders, names in os.walk(root, onerror=reraise):
        folders[:] = [name for name in folders if not name.startswith(".")]
        linked = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in (*names, *linked):
            if not name.startswith("."):
                path = Path(parent) / name
                found[path.relative_to(root).as_posix()] = path
    if not found:
        raise BadInputError(f"{folder}: holds no files; give the folder that holds the model's or adapter's files")
    selected = sorted(found if select is None else select(found, lambda name: read_checked(found[name], root)))
    for name in selected:
        check_file(found[name], root)
    return {name: found[name] for name in selected}


def read_checked(path: Path, root: Path) -> bytes:
    """The bytes of a file that may be part of the artifact `root`. Raises BadInputError, OSError."""
    check_file(path, root)
    return path.read_bytes()


def check_file(path: Path, root: Path) -> None:
    """Raises BadInputError unless `path` may be part of the artifact `root`."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise BadInputError(f"{os.fsencode(path)!r}: a file's name has to be UTF-8; rename it") from error
    if path.suffix.lower() in PICKLE_SUFFIXES:
        raise BadInputError(
            f"{path}: pickle is refused because reading it executes code; convert it to safetensors, or remove it"
        )
    if not path.resolve().is_relative_to(root):
        raise BadInputError(
            f"{path}: it links to {path.resolve()}, outside its folder; put a copy of the file in its place"
        )
    if not path.is_file():
        raise BadInputError(f"{path}: not a file; a folder given as a model or adapter holds files and folders only")


def put_file(store: ArtifactStore, path: Path) -> TreeEntry:
    """Store one file. Raises BadInputError if it changes meanwhile, StoreError, OSError."""
    before = files.stamp(path)
    digest = store.put(path)
    if files.stamp(path) != before:
        raise BadInputError(f"{path}: it changed while it was read; run again when nothing writes to it")
    return TreeEntry(digest, before[2])


def to_bytes(entries: Manifest) -> bytes:
    return canonical_json({name: asdict(entry) for name, entry in entries.items()})


def from_bytes(digest: Digest, data: bytes) -> Manifest:
    """The manifest of the tree `digest`, its paths checked. Raises StoreError if the bytes are not a manifest."""
    try:
        entries = {name: parse_entry(**fields) for name, fields in json.loads(data).items()}
        if not entries:
            raise ValueError("no files")
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreError(f"{digest}: not a folder's manifest; give a digest that put_tree returned") from error
    for name in entries:
        if not is_contained(name):
            raise StoreError(f"{digest}: names the file {name!r}, which leaves its folder; do not use this artifact")
    return entries


def parse_entry(sha256: str, size: int) -> TreeEntry:
    """An entry of a manifest. Raises ValueError, TypeError."""
    keys.check_digest(sha256)
    return TreeEntry(Digest(sha256), int(size))


def is_contained(name: str) -> bool:
    """Whether a manifest's path stays inside its folder, in the form in which `list_files` writes paths."""
    parts = name.split("/")
    return (
        "\0" not in name
        and PurePosixPath(name).as_posix() == name
        and not any(p.startswith(".") or not p for p in parts)
    )


def unpack(store: ArtifactStore, entries: Manifest, target: Path, links: bool) -> None:
    """Make the folder `target` atomically, or accept the one that another process made. Raises StoreError,
    CorruptError, OSError.
    """
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    files.make_folder(temporary)
    try:
        for name, entry in entries.items():
            link_or_copy(store.get(entry.sha256), temporary / name, links)
        verify(store, entries, temporary)
        temporary.rename(target)
        files.sync_folder(target.parent)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def link_or_copy(blob: Path, path: Path, links: bool) -> None:
    """Link or copy one file to `path`. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if links:
        try:
            os.link(blob, path)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP):
                raise
        else:
            return
    shutil.copyfile(blob, path)


def verify(store: ArtifactStore, entries: Manifest, folder: Path) -> None:
    """Raise CorruptError unless `folder` has exactly these files. Raises StoreError, OSError."""
    way_out = f"it was changed after it was written; delete {folder} and run again"
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    for name in sorted(present ^ entries.keys()):
        problem = "is not part of the artifact" if name in present else "is missing"
        raise CorruptError(f"{folder / name}: {problem}: {way_out}")
    for name, entry in entries.items():
        verify_file(store, folder / name, entry, way_out)


def verify_file(store: ArtifactStore, path: Path, entry: TreeEntry, way_out: str) -> None:
    """Raise CorruptError unless the file `path` is that of `entry`. Raises StoreError, OSError."""
    # A link to the blob is checked like the blob itself: once, as long as nothing writes to it.
    linked = path.samefile(store.get(entry.sha256))
    sha256 = entry.sha256 if linked else files.digest(path)
    if sha256 != entry.sha256:
        raise CorruptError(f"{path}: its bytes have sha256 {sha256}, but the manifest says {entry.sha256}: {way_out}")
    size = path.stat().st_size
    if size != entry.size:
        raise CorruptError(f"{path}: its size is {size}, but the manifest says {entry.size}: {way_out}")


@contextmanager
def refuse_unreadable(folder: Path) -> Iterator[None]:
    """Turn an OSError on the user's own files into a BadInputError of one line."""
    try:
        yield
    except OSError as error:
        name = os.fsdecode(error.filename or folder)
        raise BadInputError(
            f"{name}: {error.strerror or error}: every file must be readable; make it readable, or remove it"
        ) from error


def reraise(error: OSError) -> None:
    """Raises `error`. os.walk would skip a folder that it cannot read."""
    raise error
