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

from swarm_core.api.execution import S3Storage
from swarm_core.api.resolution import ResolvedSpec, UriUse
from swarm_core.errors import BadInputError
from swarm_core.ports import StoreError
from swarm_core.recipe import Digest, canonical_json, digest_bytes
from swarm_trainer.sources import fetch_cache, selection, source_uri
from swarm_trainer.sources.fetch_cache import FetchCache
from swarm_trainer.sources.selection import InputKind, RemoteFile
from swarm_trainer.stores import files, tree
from swarm_trainer.stores.tree import TreeEntry

RESERVED_BYTES = 64 * 2**20
"""Bytes that a fetch leaves free on the cache's disk."""
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Pin:
    """What a remote or local URI held when the run was prepared."""

    digest: Digest
    at: str
    """The URI of this version of it: of a branch, its commit."""


@dataclass(frozen=True, slots=True)
class FetchedInput:
    """An input, cache."""

    path: Path
    """A folder, or a file where data is wanted."""
    pin: Pin


class Source(Protocol):
    """A place that things are fetched from, at one version. Raises BadInputError for what the user has to change."""

    uri: str
    parallel_files: int
    """Files on their way at a time."""

    def version(self) -> tuple[str, ...]:
        """What names this version."""
        ...

    def items(self) -> Sequence[RemoteFile]:
        """The files that are wanted."""
        ...

    def download(self, item: RemoteFile, scratch: Path) -> Path:
        """Fetch one file to somewhere in `scratch`. Raises StoreError when trying again may help."""
        ...


SourceOpener = Callable[[str, InputKind], Source]
"""The source behind a URI, for what is wanted of it."""


@dataclass(frozen=True, slots=True)
class FetchContext:
    """How a run's inputs come cache."""

    cache: FetchCache
    open_source: SourceOpener


def default_context(resolved: ResolvedSpec) -> FetchContext:
    """This machine's cache; buckets are reached as the run's own is, unless the environment says otherwise."""
    storage = resolved.storage if isinstance(resolved.storage, S3Storage) else None
    return FetchContext(FetchCache(fetch_cache.default_root()), lambda uri, kind: open_source(uri, kind, storage))


def open_source(uri: str, kind: InputKind, storage: S3Storage | None) -> Source:
    """The source behind a URI. Raises BadInputError, StoreError."""
    location = source_uri.parse(uri)
    if isinstance(location, source_uri.BucketObject):
        from swarm_trainer.sources import bucket_source  # noqa: PLC0415 (boto3 takes a while, and most runs need none)

        return bucket_source.open_source(location, storage, kind)
    from swarm_trainer.sources import hub_source  # noqa: PLC0415 (so does huggingface_hub)

    return hub_source.open_source(location, kind)


def fetch(use: UriUse, context: FetchContext) -> FetchedInput:
    """What lies at a URI now. Raises BadInputError naming the field, StoreError, CorruptError."""
    kind = selection.INPUT_KINDS[use.role]
    with name_field(use), files.translate_os_errors(context.cache.root):
        source = context.open_source(use.uri, kind)
        version = canonical_json([kind, *source.version()])
        digest = context.cache.recall(version)
        path = None if digest is None else find_cached(context.cache, digest, kind)
        if digest is None or path is None:
            path, digest = fetch_all(source, kind, version, context.cache)
    return FetchedInput(path, Pin(digest, source.uri))


def fetch_pinned(use: UriUse, pin: Pin, context: FetchContext) -> FetchedInput:
    """What a run began with, from the cache or, once more, from its place; the caller compares the digests.

    Raises BadInputError naming the field, StoreError, CorruptError.
    """
    path = find_cached(context.cache, pin.digest, selection.INPUT_KINDS[use.role])
    return fetch(replace(use, uri=pin.at), context) if path is None else FetchedInput(path, pin)


def find_cached(cache: FetchCache, digest: Digest, kind: InputKind) -> Path | None:
    """What was fetched before; None if it was not. Raises CorruptError."""
    return cache.file(digest) if kind is InputKind.FILE else cache.folder(digest)


def fetch_all(source: Source, kind: InputKind, version: bytes, cache: FetchCache) -> tuple[Path, Digest]:
    """Fetch what is not here yet, check the whole, and keep it. Raises BadInputError, StoreError, OSError."""
    items = source.items()
    selection.check(items, kind)
    with cache.staging_folder(version) as coming:
        whole = coming / "whole"
        fetch_missing(source, [item for item in items if not is_complete(whole / item.name, item)], coming, cache.root)
        entries = {item.name: verify_file(whole / item.name, item) for item in items}
        if kind is InputKind.FILE:
            digest = entries[items[0].name].sha256
            path = cache.add_file(whole / items[0].name, digest)
        else:
            digest = digest_bytes(tree.to_bytes(entries))
            path = cache.add_folder(whole, digest)
        cache.remember(version, digest)
    return path, digest


def fetch_missing(source: Source, items: Sequence[RemoteFile], coming: Path, root: Path) -> None:
    """Fetch `items` into the folder `whole` of `coming`, each at once. Raises BadInputError, StoreError, OSError."""
    scratch, whole = coming / "scratch", coming / "whole"
    shutil.rmtree(scratch, ignore_errors=True)  # files that were cut when a fetch was killed
    scratch.mkdir()
    check_disk_space(sum(item.size for item in items), root)

    def fetch_one(item: RemoteFile) -> None:
        fetched = source.download(item, scratch)
        (whole / item.name).parent.mkdir(parents=True, exist_ok=True)
        fetched.replace(whole / item.name)

    with ThreadPoolExecutor(source.parallel_files) as pool:
        for _ in pool.map(fetch_one, items):
            pass


def check_disk_space(needed: int, root: Path) -> None:
    """Raises BadInputError unless the cache's disk has room for `needed` bytes."""
    free = disk_usage(root).free
    if needed and needed + RESERVED_BYTES > free:
        raise BadInputError(
            f"{needed / GIB:.2f} GiB to fetch and {free / GIB:.2f} GiB free in {root}; free some, or set"
            f" {fetch_cache.CACHE_VARIABLE} to a folder on another disk"
        )


def is_complete(path: Path, item: RemoteFile) -> bool:
    return path.is_file() and path.stat().st_size == item.size


def verify_file(path: Path, item: RemoteFile) -> TreeEntry:
    """A file that came, as a tree names it. Raises StoreError, and forgets it, if it is not what its place said."""
    size, sha256 = path.stat().st_size, files.digest(path)
    if size != item.size or item.sha256 not in (None, sha256):
        path.unlink()
        raise StoreError(
            f"{item.name}: came with {size} bytes and sha256 {sha256}, its place says {item.size} and"
            f" {item.sha256 or 'nothing'}; it is fetched again"
        )
    return TreeEntry(sha256, size)


@contextmanager
def name_field(use: UriUse) -> Iterator[None]:
    """Say which field a refusal is about."""
    try:
        yield
    except BadInputError as error:
        raise BadInputError(f"{use.field}: {use.uri!r}: {error}") from error
