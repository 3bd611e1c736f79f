"""Fetches a remote input into this machine's cache, or finds it there.

First the version is resolved: a commit of the hub, or the etags of a bucket's listing. A version that is cached is not
fetched again. Fetched files are checked against the source's own size and sha256, and named by their digest. An input
that a run has pinned is identified by its digest alone: if the cache has it, no request is sent.
"""

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import disk_usage
from typing import Protocol

from swarm_core.api.execution import S3Storage
from swarm_core.api.resolution import UriUse
from swarm_core.api.resolved import ResolvedRun
from swarm_core.errors import BadInputError, name_subject
from swarm_core.ports import StoreError
from swarm_core.recipe import Digest, canonical_json, digest_bytes
from swarm_trainer.sources import fetch_cache, selection, source_uri
from swarm_trainer.sources.fetch_cache import FetchCache
from swarm_trainer.sources.selection import InputKind, Listing, RemoteFile
from swarm_trainer.stores import files, tree
from swarm_trainer.stores.tree import TreeEntry

RESERVED_BYTES = 64 * 2**20
"""Bytes that a fetch leaves free on the cache's disk."""
GIB = 2**30
WHOLE = "whole"
"""The folder of a fetch that holds the files that are complete."""


@dataclass(frozen=True, slots=True)
class Pin:
    """The content of a remote or local URI when the run was prepared."""

    digest: Digest
    at: str
    """The URI of this version, such as the commit of a branch."""


@dataclass(frozen=True, slots=True)
class FetchedInput:
    """An input on this machine."""

    path: Path
    """A folder, or for data a file or a folder."""
    pin: Pin


class Source(Protocol):
    """A source of files at one version. Raises BadInputError for what the user has to change."""

    uri: str
    parallel_files: int
    """Maximum number of files fetched at once."""

    def version(self) -> tuple[str, ...]:
        """The parts that identify this version."""
        ...

    def list_files(self) -> Listing:
        """The files at the address."""
        ...

    def download(self, item: RemoteFile, scratch: Path) -> Path:
        """Fetch one file to a path in `scratch`. Raises StoreError if a retry may help."""
        ...


SourceOpener = Callable[[str, InputKind], Source]
"""Opens the source behind a URI for an input of this kind."""


@dataclass(frozen=True, slots=True)
class FetchContext:
    """The cache and the sources of a run's inputs."""

    cache: FetchCache
    open_source: SourceOpener


def default_context(resolved: ResolvedRun) -> FetchContext:
    """This machine's cache. Buckets are reached like the run's own store, unless the environment says otherwise."""
    storage = resolved.storage if isinstance(resolved.storage, S3Storage) else None
    return FetchContext(FetchCache(fetch_cache.default_root()), lambda uri, kind: find_source(uri, kind, storage))


def find_source(uri: str, kind: InputKind, storage: S3Storage | None) -> Source:
    """The source behind a URI. Raises BadInputError, StoreError."""
    location = source_uri.parse(uri)
    if isinstance(location, source_uri.BucketObject):
        from swarm_trainer.sources import bucket_source  # noqa: PLC0415 (boto3 takes a while, and most runs need none)

        return bucket_source.open_source(location, storage, kind)
    from swarm_trainer.sources import hub_source  # noqa: PLC0415 (so does huggingface_hub)

    return hub_source.open_source(location, kind)


def fetch(use: UriUse, context: FetchContext) -> FetchedInput:
    """Fetch the current content of a URI. Raises BadInputError naming the field, StoreError, CorruptError."""
    kind = selection.INPUT_KINDS[use.role]
    with name_subject(use.field, repr(use.uri)), files.translate_os_errors(context.cache.root):
        source = context.open_source(use.uri, kind)
        splits = sorted(use.splits, key=str) if kind is InputKind.DATA else []
        version = canonical_json([selection.VERSION, kind, splits, *source.version()])
        digest = context.cache.recall(version)
        path = None if digest is None else find_cached(context.cache, digest, kind)
        if digest is None or path is None:
            path, digest = fetch_all(source, use, version, context.cache)
    return FetchedInput(path, Pin(digest, source.uri))


def fetch_pinned(use: UriUse, pin: Pin, context: FetchContext) -> FetchedInput:
    """The pinned input, from the cache or fetched again from its pinned URI. The caller compares the digests.

    Raises BadInputError naming the field, StoreError, CorruptError.
    """
    path = find_cached(context.cache, pin.digest, selection.INPUT_KINDS[use.role])
    return fetch(replace(use, uri=pin.at), context) if path is None else FetchedInput(path, pin)


def find_cached(cache: FetchCache, digest: Digest, kind: InputKind) -> Path | None:
    """The cached input; None if it is not cached. Raises CorruptError."""
    found = cache.file(digest) if kind is InputKind.DATA else None
    return found or cache.folder(digest)


def fetch_all(source: Source, use: UriUse, version: bytes, cache: FetchCache) -> tuple[Path, Digest]:
    """Fetch the missing files, check the whole, and keep it. Raises BadInputError, StoreError, OSError."""
    listing = source.list_files()
    with cache.staging_folder(version) as coming:
        items = selection.select(listing, use, lambda name: read_file(source, listing, name, coming))
        missing = list_missing(items, coming)
        check_disk_space(sum(item.size for item in missing), cache.root)
        fetch_missing(source, missing, coming)
        entries = {item.name: verify_file(coming / WHOLE / item.name, item) for item in items}
        if listing.is_file:
            digest = entries[items[0].name].sha256
            path = cache.add_file(coming / WHOLE / items[0].name, digest)
        else:
            digest = digest_bytes(tree.to_bytes(entries))
            path = cache.add_folder(coming / WHOLE, digest)
        cache.remember(version, digest)
    return path, digest


def read_file(source: Source, listing: Listing, name: str, coming: Path) -> bytes:
    """Fetch one small file before the others, and read it. Raises BadInputError, StoreError, OSError."""
    item = next(item for item in listing.files if item.name == name)
    fetch_missing(source, list_missing([item], coming), coming)
    verify_file(coming / WHOLE / name, item)
    return (coming / WHOLE / name).read_bytes()


def list_missing(items: Sequence[RemoteFile], coming: Path) -> list[RemoteFile]:
    """The files that this fetch, and an earlier one that was killed, have not fetched."""
    return [item for item in items if not is_complete(coming / WHOLE / item.name, item)]


def fetch_missing(source: Source, items: Sequence[RemoteFile], coming: Path) -> None:
    """Fetch `items` into the folder WHOLE of `coming`, each file atomically. Raises BadInputError, StoreError,
    OSError.
    """
    scratch, whole = coming / "scratch", coming / WHOLE
    shutil.rmtree(scratch, ignore_errors=True)  # files that a killed fetch left incomplete
    scratch.mkdir()

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
            f"{needed / GIB:.2f} GiB to fetch, but {free / GIB:.2f} GiB free in {root}; free some space, or set"
            f" {fetch_cache.CACHE_VARIABLE} to a folder on another disk"
        )


def is_complete(path: Path, item: RemoteFile) -> bool:
    return path.is_file() and path.stat().st_size == item.size


def verify_file(path: Path, item: RemoteFile) -> TreeEntry:
    """The tree entry of a fetched file. Deletes the file and raises StoreError unless it matches the source's size
    and sha256.
    """
    size, sha256 = path.stat().st_size, files.digest(path)
    if size != item.size or item.sha256 not in (None, sha256):
        path.unlink()
        raise StoreError(
            f"{item.name}: received {size} bytes with sha256 {sha256}, but its source says {item.size} bytes and"
            f" {item.sha256 or 'no sha256'}; it is fetched again"
        )
    return TreeEntry(sha256, size)
