"""Bring what lies at a remote URI into this machine's cache, or find it there.

First the version is settled: a commit of the hub, or the etags of a bucket's listing. A version that came before is not
fetched again. What comes is checked against what the place said of it, and named by its digest. What a run has pinned
is identified by that digest alone: where the cache has it, nobody is asked anything.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import disk_usage
from typing import Protocol

from swarm_core.api.defaults import ResolvedSpec, Use
from swarm_core.api.execution import S3Storage
from swarm_core.errors import BadInputError
from swarm_core.ports import StoreError
from swarm_core.recipe import Digest, canonical_json, digest_bytes
from swarm_trainer.sources import address, depot, wanted
from swarm_trainer.sources.depot import Depot
from swarm_trainer.sources.wanted import Item, Shape
from swarm_trainer.stores import files, tree
from swarm_trainer.stores.tree import Entry

SPARE = 64 * 2**20
"""Bytes that a fetch leaves free on the cache's disk."""
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Pin:
    """What a remote or local URI held when the run was prepared."""

    digest: Digest
    at: str
    """The URI of this version of it: of a branch, its commit."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An input, here."""

    path: Path
    """A folder, or a file where data is wanted."""
    pin: Pin


class Source(Protocol):
    """A place that things are fetched from, at one version. Raises BadInputError for what the user has to change."""

    at: str
    at_once: int
    """Files on their way at a time."""

    def version(self) -> tuple[str, ...]:
        """What names this version."""
        ...

    def items(self) -> Sequence[Item]:
        """The files that are wanted."""
        ...

    def bring(self, item: Item, scratch: Path) -> Path:
        """Fetch one file to somewhere in `scratch`. Raises StoreError when trying again may help."""
        ...


Opener = Callable[[str, Shape], Source]
"""The source behind a URI, for what is wanted of it."""


@dataclass(frozen=True, slots=True)
class Ways:
    """How a run's inputs come here."""

    depot: Depot
    opened: Opener


def ways(resolved: ResolvedSpec) -> Ways:
    """This machine's cache; buckets are reached as the run's own is, unless the environment says otherwise."""
    storage = resolved.storage if isinstance(resolved.storage, S3Storage) else None
    return Ways(Depot(depot.root()), lambda uri, shape: opened(uri, shape, storage))


def opened(uri: str, shape: Shape, storage: S3Storage | None) -> Source:
    """The source behind a URI. Raises BadInputError, StoreError."""
    place = address.parsed(uri)
    if isinstance(place, address.Object):
        from swarm_trainer.sources import bucket  # noqa: PLC0415 (boto3 takes a while, and most runs need none)

        return bucket.opened(place, storage, shape)
    from swarm_trainer.sources import hub  # noqa: PLC0415 (so does huggingface_hub)

    return hub.opened(place, shape)


def fetch(use: Use, by: Ways) -> Fetched:
    """What lies at a URI now. Raises BadInputError naming the field, StoreError, CorruptError."""
    shape = wanted.SHAPES[use.role]
    with named(use), files.explained(by.depot.root):
        source = by.opened(use.uri, shape)
        version = canonical_json([shape, *source.version()])
        digest = by.depot.recalled(version)
        path = None if digest is None else standing(by.depot, digest, shape)
        if digest is None or path is None:
            path, digest = gathered(source, shape, version, by.depot)
    return Fetched(path, Pin(digest, source.at))


def fetch_pinned(use: Use, pin: Pin, by: Ways) -> Fetched:
    """What a run began with, from the cache or, once more, from its place; the caller compares the digests.

    Raises BadInputError naming the field, StoreError, CorruptError.
    """
    path = standing(by.depot, pin.digest, wanted.SHAPES[use.role])
    return fetch(replace(use, uri=pin.at), by) if path is None else Fetched(path, pin)


def standing(here: Depot, digest: Digest, shape: Shape) -> Path | None:
    """What was fetched before; None if it was not. Raises CorruptError."""
    return here.file(digest) if shape is Shape.FILE else here.folder(digest)


def gathered(source: Source, shape: Shape, version: bytes, here: Depot) -> tuple[Path, Digest]:
    """Fetch what is not here yet, check the whole, and keep it. Raises BadInputError, StoreError, OSError."""
    items = source.items()
    wanted.check(items, shape)
    with here.coming(version) as coming:
        whole = coming / "whole"
        bring(source, [item for item in items if not arrived(whole / item.name, item)], coming, here.root)
        entries = {item.name: checked(whole / item.name, item) for item in items}
        if shape is Shape.FILE:
            digest = entries[items[0].name].sha256
            path = here.keep_file(whole / items[0].name, digest)
        else:
            digest = digest_bytes(tree.to_bytes(entries))
            path = here.keep_folder(whole, digest)
        here.remember(version, digest)
    return path, digest


def bring(source: Source, items: Sequence[Item], coming: Path, root: Path) -> None:
    """Fetch `items` into the folder `whole` of `coming`, each at once. Raises BadInputError, StoreError, OSError."""
    scratch, whole = coming / "scratch", coming / "whole"
    shutil.rmtree(scratch, ignore_errors=True)  # files that were cut when a fetch was killed
    scratch.mkdir()
    check_room(sum(item.size for item in items), root)

    def one(item: Item) -> None:
        came = source.bring(item, scratch)
        (whole / item.name).parent.mkdir(parents=True, exist_ok=True)
        came.replace(whole / item.name)

    with ThreadPoolExecutor(source.at_once) as pool:
        for _ in pool.map(one, items):
            pass


def check_room(needed: int, root: Path) -> None:
    """Raises BadInputError unless the cache's disk has room for `needed` bytes."""
    free = disk_usage(root).free
    if needed and needed + SPARE > free:
        raise BadInputError(
            f"{needed / GIB:.2f} GiB to fetch and {free / GIB:.2f} GiB free in {root}; free some, or set"
            f" {depot.VARIABLE} to a folder on another disk"
        )


def arrived(path: Path, item: Item) -> bool:
    return path.is_file() and path.stat().st_size == item.size


def checked(path: Path, item: Item) -> Entry:
    """A file that came, as a tree names it. Raises StoreError, and forgets it, if it is not what its place said."""
    size, sha256 = path.stat().st_size, files.digest(path)
    if size != item.size or item.sha256 not in (None, sha256):
        path.unlink()
        raise StoreError(
            f"{item.name}: came with {size} bytes and sha256 {sha256}, its place says {item.size} and"
            f" {item.sha256 or 'nothing'}; it is fetched again"
        )
    return Entry(sha256, size)


@contextmanager
def named(use: Use) -> Iterator[None]:
    """Say which field a refusal is about."""
    try:
        yield
    except BadInputError as error:
        raise BadInputError(f"{use.field}: {use.uri!r}: {error}") from error
