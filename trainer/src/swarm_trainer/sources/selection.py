"""What of a remote folder is fetched, and whether it is enough: decided by its listing, before a byte is on its way.

A prefix of a bucket is somebody's folder, and is taken as the same folder here would be: hidden files are left out, and
pickles are refused. A repository of the hub holds a model in many formats, so of one the files that are read here are
taken, and the rest is left where it is. Either way the names are paths inside a folder, or the place is refused.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from swarm_core.api.resolution import UriRole
from swarm_core.errors import BadInputError
from swarm_core.recipe import Digest
from swarm_trainer.stores import tree

READ_SUFFIXES = frozenset({
    ".safetensors", ".json", ".jsonl", ".jinja", ".model", ".txt", ".md", ".spm", ".tiktoken", ".bpe", ".vocab",
})  # fmt: skip
"""Endings of the files of a repository that are fetched: weights as safetensors alone, tokenizers, what describes."""
LICENSE_PATTERN = re.compile(r"(LICEN[CS]E|NOTICE|COPYING)[-._A-Za-z0-9]*")
WEIGHTS_SUFFIX = ".safetensors"


class InputKind(StrEnum):
    """What a place has to hold."""

    MODEL = "model"
    ADAPTER = "adapter"
    FILE = "file"


INPUT_KINDS: Mapping[UriRole, InputKind] = {
    UriRole.BASE: InputKind.MODEL,
    UriRole.TAKER_MODEL: InputKind.MODEL,
    UriRole.EMBEDDER: InputKind.MODEL,
    UriRole.TAKER_ADAPTER: InputKind.ADAPTER,
    UriRole.GENERATOR_ADAPTER: InputKind.ADAPTER,
    UriRole.DATA: InputKind.FILE,
}
REQUIRED_FILES: Mapping[InputKind, str] = {InputKind.MODEL: "config.json", InputKind.ADAPTER: "adapter_config.json"}


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a place, as its listing shows it."""

    name: str
    """Relative to the place, `/` between its parts."""
    size: int
    version_tag: str = ""
    """What tells this version of it from others, in the place's own terms: an etag, a blob's id."""
    sha256: Digest | None = None
    """Of its bytes, where the place says so."""


def select_from_folder(items: Iterable[RemoteFile]) -> tuple[RemoteFile, ...]:
    """What belongs to a folder of somebody's own, in order. Raises BadInputError for what no artefact may hold."""
    found = select_visible(items)
    for item in found:
        if PurePosixPath(item.name).suffix.lower() in tree.PICKLE_SUFFIXES:
            raise BadInputError(
                f"{item.name!r} is pickled, and pickle is refused, for reading it executes it; convert it to"
                " safetensors, or remove it"
            )
    return found


def select_from_repository(items: Iterable[RemoteFile]) -> tuple[RemoteFile, ...]:
    """What is read here of a repository of the hub, in order. Raises BadInputError for a name that leaves it."""
    return tuple(item for item in select_visible(items) if is_needed(PurePosixPath(item.name)))


def is_needed(path: PurePosixPath) -> bool:
    return path.suffix.lower() in READ_SUFFIXES or LICENSE_PATTERN.fullmatch(path.name) is not None


def select_visible(items: Iterable[RemoteFile]) -> tuple[RemoteFile, ...]:
    """The files that are not hidden, in order, their names checked. Raises BadInputError."""
    found = {}
    for item in items:
        parts = item.name.split("/")
        if any(part.startswith(".") and part not in {".", ".."} for part in parts):
            continue
        if not tree.is_contained(item.name):
            raise BadInputError(f"it names the file {item.name!r}, which is no path inside a folder; rename it there")
        found[item.name] = item
    return tuple(found[name] for name in sorted(found))


def check(items: Iterable[RemoteFile], kind: InputKind) -> None:
    """Raises BadInputError unless these files can be what is wanted."""
    names = {item.name for item in items}
    if not names:
        raise BadInputError("there is nothing; correct the address")
    needed = REQUIRED_FILES.get(kind)
    if needed is None:
        return
    if needed not in names:
        raise BadInputError(f"holds no {needed}, so it is no {kind}; give the address of the folder that holds it")
    if not any(name.endswith(WEIGHTS_SUFFIX) for name in names):
        raise BadInputError(
            f"holds no weights as safetensors ({len(names)} other files), and pickled ones are refused; convert it"
        )
