"""From the URIs of a spec to folders and files of this machine: those of this machine as they are, others fetched.

A remote input is settled once: by the run's pin if it was prepared, else by what lies there now, which `prepare` pins.
A worker remembers what it settled, so that one run never sees two versions of a branch.
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from swarm_core.api.defaults import Role, Use
from swarm_core.errors import BadInputError
from swarm_core.recipe import Digest
from swarm_trainer.sources import address, fetching
from swarm_trainer.sources.fetching import Fetched, Pin
from swarm_trainer.stores import files, tree
from swarm_trainer.verbs import pins
from swarm_trainer.verbs.context import Context


def place(uri: str, base: Path) -> Path:
    """The absolute path of a local `uri`; a relative one starts at `base`."""
    path = unquote(urlsplit(uri).path) if uri.startswith("file://") else uri
    return (base / path).absolute()


def folder(uri: str, base: Path, field: str) -> Path:
    """The folder at a local `uri`. Raises BadInputError, naming the field, if there is none."""
    found = place(uri, base)
    if not found.is_dir():
        raise BadInputError(f"{field}: {uri!r} is not a folder ({found}); give the folder that holds the files")
    return found


def file(uri: str, base: Path, field: str) -> Path:
    """The file at a local `uri`. Raises BadInputError, naming the field, if there is none."""
    found = place(uri, base)
    if not found.is_file():
        raise BadInputError(f"{field}: {uri!r} is not a file ({found}); give the path of a JSON Lines file")
    return found


def looked_up(use: Use, base: Path) -> Path | None:
    """What a local URI names; None for a remote one, which is looked for when the run is prepared.

    Raises BadInputError, naming the field, if there is nothing.
    """
    if address.remote(use.uri):
        return None
    return file(use.uri, base, use.field) if use.role is Role.DATA else folder(use.uri, base, use.field)


def here(use: Use, context: Context) -> Path:
    """The folder or, of data, the file that a URI names, fetched if it is remote and not in the cache.

    Raises BadInputError, naming the field; StoreError, CorruptError.
    """
    local = looked_up(use, context.base_folder)
    return brought(use, context).path if local is None else local


def pin(use: Use, context: Context) -> Pin:
    """What `here` holds, and where to get the same again. Raises as `here` does."""
    path = looked_up(use, context.base_folder)
    return brought(use, context).pin if path is None else Pin(digest(use, path), use.uri)


def digest(use: Use, path: Path) -> Digest:
    """The digest of a local input."""
    return files.digest(path) if use.role is Role.DATA else tree.digest_tree(path)


def brought(use: Use, context: Context) -> Fetched:
    """A remote input, settled."""
    before = context.fetched.get(use.uri)
    if before is None or not before.path.exists():
        ways = fetching.ways(context.resolved)
        pinned = before.pin if before else pins.load(context.store).get(use.uri)
        before = fetching.fetch_pinned(use, pinned, ways) if pinned else fetching.fetch(use, ways)
        if pinned:
            pins.check(use, before.pin.digest, pinned)
        context.fetched[use.uri] = before
    return before
