"""From the URIs of a spec to folders and files of this machine: those of this machine as they are, others fetched.

A remote input is settled once: by the run's pin if it was prepared, else by what lies there now, which `prepare` pins.
A worker remembers what it settled, so that one run never sees two versions of a branch.
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from swarm_core.api.resolution import UriRole, UriUse
from swarm_core.errors import BadInputError
from swarm_core.recipe import Digest
from swarm_trainer.run_store import pins
from swarm_trainer.runtime.context import Context
from swarm_trainer.sources import fetching, source_uri
from swarm_trainer.sources.fetching import FetchedInput, Pin
from swarm_trainer.stores import files, tree


def resolve_path(uri: str, base: Path) -> Path:
    """The absolute path of a local `uri`; a relative one starts at `base`."""
    path = unquote(urlsplit(uri).path) if uri.startswith("file://") else uri
    return (base / path).absolute()


def resolve_folder(uri: str, base: Path, field: str) -> Path:
    """The folder at a local `uri`. Raises BadInputError, naming the field, if there is none."""
    found = resolve_path(uri, base)
    if not found.is_dir():
        raise BadInputError(f"{field}: {uri!r} is not a folder ({found}); give the folder that holds the files")
    return found


def resolve_file(uri: str, base: Path, field: str) -> Path:
    """The file at a local `uri`. Raises BadInputError, naming the field, if there is none."""
    found = resolve_path(uri, base)
    if not found.is_file():
        raise BadInputError(f"{field}: {uri!r} is not a file ({found}); give the path of a JSON Lines file")
    return found


def find_local(use: UriUse, base: Path) -> Path | None:
    """What a local URI names; None for a remote one, which is looked for when the run is prepared.

    Raises BadInputError, naming the field, if there is nothing.
    """
    if source_uri.is_remote(use.uri):
        return None
    return (
        resolve_file(use.uri, base, use.field) if use.role is UriRole.DATA else resolve_folder(use.uri, base, use.field)
    )


def locate(use: UriUse, context: Context) -> Path:
    """The folder or, of data, the file that a URI names, fetched if it is remote and not in the cache.

    Raises BadInputError, naming the field; StoreError, CorruptError.
    """
    local = find_local(use, context.base_folder)
    return fetch_remote(use, context).path if local is None else local


def pin(use: UriUse, context: Context) -> Pin:
    """What `locate` holds, and where to get the same again. Raises as `locate` does."""
    path = find_local(use, context.base_folder)
    return fetch_remote(use, context).pin if path is None else Pin(hash_input(use, path), use.uri)


def hash_input(use: UriUse, path: Path) -> Digest:
    """The digest of a local input."""
    return files.digest(path) if use.role is UriRole.DATA else tree.digest_tree(path)


def fetch_remote(use: UriUse, context: Context) -> FetchedInput:
    """A remote input, settled."""
    before = context.fetched.get(use.uri)
    if before is None or not before.path.exists():
        ways = fetching.default_context(context.run)
        pinned = before.pin if before else pins.load(context.store).get(use.uri)
        before = fetching.fetch_pinned(use, pinned, ways) if pinned else fetching.fetch(use, ways)
        if pinned:
            pins.check(use, before.pin.digest, pinned)
        context.fetched[use.uri] = before
    return before
