"""Resolves the URIs of a spec to folders and files on this machine: local ones as they are, remote ones fetched.

A remote input is resolved once: by the run's pin if the run is prepared, otherwise by its current version, which
`prepare` pins. A worker remembers the version, so one run never sees two versions of a branch.
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from swarm_core.api.resolution import UriRole, UriUse
from swarm_core.errors import BadInputError, name_subject
from swarm_core.ports import ArtifactStore
from swarm_core.recipe import Digest
from swarm_trainer.run_store import pins
from swarm_trainer.runtime.context import Context
from swarm_trainer.sources import fetching, selection, source_uri
from swarm_trainer.sources.fetching import FetchedInput, Pin
from swarm_trainer.stores import files, tree


def resolve_path(uri: str, base: Path) -> Path:
    """Return the absolute path of a local `uri`; a relative one starts at `base`."""
    path = unquote(urlsplit(uri).path) if uri.startswith("file://") else uri
    return (base / path).absolute()


def resolve_folder(uri: str, base: Path, field: str) -> Path:
    """Return the folder at a local `uri`. Raises BadInputError, naming the field, if there is none."""
    folder = resolve_path(uri, base)
    if not folder.is_dir():
        raise BadInputError(f"{field}: {uri!r} is not a folder ({folder}); give the folder that holds the files")
    return folder


def resolve_data(uri: str, base: Path, field: str) -> Path:
    """Return the file or the folder at a local `uri`. Raises BadInputError, naming the field, if there is none."""
    path = resolve_path(uri, base)
    if not path.is_file() and not path.is_dir():
        state = "is no regular file" if path.exists() else "does not exist"
        raise BadInputError(
            f"{field}: {uri!r} {state} ({path}); give the path of a data file, or of a folder with some"
        )
    return path


def find_local(use: UriUse, base: Path) -> Path | None:
    """Return the path of a local URI, or None for a remote one, which is looked up when the run is prepared.

    Raises BadInputError, naming the field, if nothing exists there.
    """
    if source_uri.is_remote(use.uri):
        return None
    return (
        resolve_data(use.uri, base, use.field) if use.role is UriRole.DATA else resolve_folder(use.uri, base, use.field)
    )


def locate(use: UriUse, context: Context) -> Path:
    """Return the folder or the data file that a URI names. It is fetched if it is remote and not in the cache.

    Raises BadInputError, naming the field; StoreError, CorruptError.
    """
    local = find_local(use, context.base_folder)
    return fetch_remote(use, context).path if local is None else local


def pin(use: UriUse, context: Context) -> Pin:
    """Return the digest of what `locate` returns, with the source of the same version. Raises as `locate` does."""
    path = find_local(use, context.base_folder)
    return fetch_remote(use, context).pin if path is None else Pin(hash_input(use, path), use.uri)


def hash_input(use: UriUse, path: Path) -> Digest:
    """Return the digest of the files of a local input that are read. Raises BadInputError."""
    if path.is_file():
        return files.digest(path)
    with name_subject(use.field, repr(use.uri)):
        return tree.digest_tree(path, choose_files(use))


def store_input(use: UriUse, path: Path, store: ArtifactStore) -> Digest:
    """Store the files of a local folder that are read; return their digest. Raises BadInputError, StoreError."""
    with name_subject(use.field, repr(use.uri)):
        return tree.put_tree(store, path, choose_files(use))


def choose_files(use: UriUse) -> tree.SelectNames:
    """Return the function that selects the files of an input that are read."""
    return lambda names, read: selection.select_names(names, use, read)


def fetch_remote(use: UriUse, context: Context) -> FetchedInput:
    """Fetch a remote input, at the version that this run uses. Raises BadInputError, naming the field; StoreError."""
    fetched = context.fetched.get(use.uri)
    if fetched is None or not fetched.path.exists():
        sources = fetching.default_context(context.run)
        pinned = fetched.pin if fetched else pins.load(context.store).get(use.uri)
        fetched = fetching.fetch_pinned(use, pinned, sources) if pinned else fetching.fetch(use, sources)
        if pinned:
            pins.check(use, fetched.pin.digest, pinned)
        context.fetched[use.uri] = fetched
    return fetched
