"""Selects the files of an input that are read, from a listing and before any other file is fetched or hashed.

The same rules hold for a folder on this machine, a prefix of a bucket and a repository of the hub: hidden files and all
that nothing reads are left out (`model_selection`, `data_selection`). Every listed name must be a path inside a folder;
otherwise the source is refused.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from swarm_core.api.resolution import UriRole, UriUse
from swarm_core.errors import BadInputError
from swarm_core.recipe import Digest
from swarm_trainer.sources import data_selection, model_selection
from swarm_trainer.sources.model_selection import ReadFile
from swarm_trainer.stores import tree

VERSION = 2
"""Raised when other files are selected from the same listing, so that a cached selection is not used again."""


class InputKind(StrEnum):
    """The content that a source must have."""

    MODEL = "model"
    ADAPTER = "adapter"
    DATA = "data"
    """One file, or a folder of data files."""


INPUT_KINDS: Mapping[UriRole, InputKind] = {
    UriRole.BASE: InputKind.MODEL,
    UriRole.TAKER_MODEL: InputKind.MODEL,
    UriRole.EMBEDDER: InputKind.MODEL,
    UriRole.CLASSIFIER: InputKind.MODEL,
    UriRole.TAKER_ADAPTER: InputKind.ADAPTER,
    UriRole.GENERATOR_ADAPTER: InputKind.ADAPTER,
    UriRole.DATA: InputKind.DATA,
}


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a source, as its listing shows it."""

    name: str
    """Relative to the source, with `/` between its parts."""
    size: int
    version_tag: str = ""
    """Identifies this version in the source's own terms: an etag, or a blob's id."""
    sha256: Digest | None = None
    """The sha256 of its bytes, if the source gives it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The visible files at an address, sorted by name."""

    files: tuple[RemoteFile, ...]
    is_file: bool
    """Whether the address is that of one file, not of a folder."""


def build_listing(items: Iterable[RemoteFile], *, is_file: bool = False) -> Listing:
    """The listing without hidden files. Raises BadInputError for a name that is not a path inside a folder."""
    found = {}
    for item in items:
        parts = item.name.split("/")
        if any(part.startswith(".") and part not in {".", ".."} for part in parts):
            continue
        if not tree.is_contained(item.name):
            raise BadInputError(
                f"it has the file {item.name!r}, whose name is not a path inside a folder; rename it there"
            )
        found[item.name] = item
    return Listing(tuple(found[name] for name in sorted(found)), is_file)


def select(listing: Listing, use: UriUse, read: ReadFile) -> tuple[RemoteFile, ...]:
    """The files of a source to fetch, sorted. `read` fetches a small file. Raises BadInputError if they do not do."""
    if not listing.files:
        raise BadInputError("there are no files at this address; correct it")
    if listing.is_file:
        return listing.files
    chosen = set(select_names([item.name for item in listing.files], use, read))
    return tuple(item for item in listing.files if item.name in chosen)


def select_names(names: Collection[str], use: UriUse, read: ReadFile) -> tuple[str, ...]:
    """The files of a folder that are read, sorted. Raises BadInputError if they do not do."""
    match INPUT_KINDS[use.role]:
        case InputKind.MODEL:
            return model_selection.select_model(names, read)
        case InputKind.ADAPTER:
            return model_selection.select_adapter(names)
        case InputKind.DATA:
            return data_selection.select_data(names, use.splits)
