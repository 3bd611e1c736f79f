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

from swarm_core.api.defaults import Role
from swarm_core.errors import BadInputError
from swarm_core.recipe import Digest
from swarm_trainer.stores import tree

READ = frozenset({
    ".safetensors", ".json", ".jsonl", ".jinja", ".model", ".txt", ".md", ".spm", ".tiktoken", ".bpe", ".vocab",
})  # fmt: skip
"""Endings of the files of a repository that are fetched: weights as safetensors alone, tokenizers, what describes."""
LEGAL = re.compile(r"(LICEN[CS]E|NOTICE|COPYING)[-._A-Za-z0-9]*")
WEIGHTS = ".safetensors"


class Shape(StrEnum):
    """What a place has to hold."""

    MODEL = "model"
    ADAPTER = "adapter"
    FILE = "file"


SHAPES: Mapping[Role, Shape] = {
    Role.BASE: Shape.MODEL,
    Role.TAKER_MODEL: Shape.MODEL,
    Role.EMBEDDER: Shape.MODEL,
    Role.TAKER_ADAPTER: Shape.ADAPTER,
    Role.GENERATOR_ADAPTER: Shape.ADAPTER,
    Role.DATA: Shape.FILE,
}
NEEDED: Mapping[Shape, str] = {Shape.MODEL: "config.json", Shape.ADAPTER: "adapter_config.json"}


@dataclass(frozen=True, slots=True)
class Item:
    """A file of a place, as its listing shows it."""

    name: str
    """Relative to the place, `/` between its parts."""
    size: int
    seal: str = ""
    """What tells this version of it from others, in the place's own terms: an etag, a blob's id."""
    sha256: Digest | None = None
    """Of its bytes, where the place says so."""


def of_a_folder(items: Iterable[Item]) -> tuple[Item, ...]:
    """What belongs to a folder of somebody's own, in order. Raises BadInputError for what no artefact may hold."""
    found = visible(items)
    for item in found:
        if PurePosixPath(item.name).suffix.lower() in tree.PICKLES:
            raise BadInputError(
                f"{item.name!r} is pickled, and pickle is refused, for reading it executes it; convert it to"
                " safetensors, or remove it"
            )
    return found


def of_a_repository(items: Iterable[Item]) -> tuple[Item, ...]:
    """What is read here of a repository of the hub, in order. Raises BadInputError for a name that leaves it."""
    return tuple(item for item in visible(items) if read(PurePosixPath(item.name)))


def read(path: PurePosixPath) -> bool:
    return path.suffix.lower() in READ or LEGAL.fullmatch(path.name) is not None


def visible(items: Iterable[Item]) -> tuple[Item, ...]:
    """The files that are not hidden, in order, their names checked. Raises BadInputError."""
    found = {}
    for item in items:
        parts = item.name.split("/")
        if any(part.startswith(".") and part not in {".", ".."} for part in parts):
            continue
        if not tree.contained(item.name):
            raise BadInputError(f"it names the file {item.name!r}, which is no path inside a folder; rename it there")
        found[item.name] = item
    return tuple(found[name] for name in sorted(found))


def check(items: Iterable[Item], shape: Shape) -> None:
    """Raises BadInputError unless these files can be what is wanted."""
    names = {item.name for item in items}
    if not names:
        raise BadInputError("there is nothing; correct the address")
    needed = NEEDED.get(shape)
    if needed is None:
        return
    if needed not in names:
        raise BadInputError(f"holds no {needed}, so it is no {shape}; give the address of the folder that holds it")
    if not any(name.endswith(WEIGHTS) for name in names):
        raise BadInputError(
            f"holds no weights as safetensors ({len(names)} other files), and pickled ones are refused; convert it"
        )
