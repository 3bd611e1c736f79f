"""Selects the files of a remote folder to fetch, and checks that they suffice, from its listing and before any
download.

A prefix of a bucket is a user's folder and gets the rules of a local folder: hidden files are left out, and pickles are
refused. A repository of the hub has a model in many formats, so only the files that the trainer reads are fetched. In
both, every name must be a path inside a folder; otherwise the source is refused.
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
"""Suffixes of the files of a repository that are fetched: weights in safetensors only, tokenizers, configuration and
text.
"""
DATA_SUFFIXES = frozenset({".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet"})
COMPRESSION_SUFFIXES = frozenset({".gz", ".zst", ".xz", ".bz2"})
METADATA_NAMES = frozenset(
    {"config.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"}
)
"""Names of JSON files that describe a data set and hold no records."""
LICENSE_PATTERN = re.compile(r"(LICEN[CS]E|NOTICE|COPYING)[-._A-Za-z0-9]*")
WEIGHTS_SUFFIX = ".safetensors"


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
    UriRole.TAKER_ADAPTER: InputKind.ADAPTER,
    UriRole.GENERATOR_ADAPTER: InputKind.ADAPTER,
    UriRole.DATA: InputKind.DATA,
}
REQUIRED_FILES: Mapping[InputKind, str] = {InputKind.MODEL: "config.json", InputKind.ADAPTER: "adapter_config.json"}


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


def select_from_folder(items: Iterable[RemoteFile]) -> tuple[RemoteFile, ...]:
    """The files to fetch of a user's folder, sorted. Raises BadInputError for a file that no artifact may hold."""
    found = select_visible(items)
    for item in found:
        if PurePosixPath(item.name).suffix.lower() in tree.PICKLE_SUFFIXES:
            raise BadInputError(
                f"{item.name!r} is a pickle, which is refused because reading it executes code; convert it to"
                " safetensors, or remove it"
            )
    return found


def select_from_repository(items: Iterable[RemoteFile]) -> tuple[RemoteFile, ...]:
    """The files to fetch of a repository of the hub, sorted. Raises BadInputError for a name that leaves the folder."""
    return tuple(item for item in select_visible(items) if is_needed(PurePosixPath(item.name)))


def find_data_suffix(name: str) -> str:
    """The suffix of a file without the suffix of its compression, in lower case."""
    path = PurePosixPath(name.lower())
    return PurePosixPath(path.stem).suffix if path.suffix in COMPRESSION_SUFFIXES else path.suffix


def is_data_file(name: str) -> bool:
    """Whether a file of a folder holds records, by its name. Hidden files do not."""
    path = PurePosixPath(name)
    hidden = any(part.startswith((".", "_")) for part in path.parts)
    return not hidden and path.name not in METADATA_NAMES and find_data_suffix(name) in DATA_SUFFIXES


def select_data_files(items: Iterable[RemoteFile]) -> tuple[RemoteFile, ...]:
    """The data files of a folder, sorted. Raises BadInputError if there are none."""
    found = tuple(item for item in select_visible(items) if is_data_file(item.name))
    if not found:
        raise BadInputError(
            "there is no file at this address, and no folder with data files"
            f" ({', '.join(sorted(DATA_SUFFIXES))}, also compressed); correct it"
        )
    return found


def is_needed(path: PurePosixPath) -> bool:
    return path.suffix.lower() in READ_SUFFIXES or LICENSE_PATTERN.fullmatch(path.name) is not None


def select_visible(items: Iterable[RemoteFile]) -> tuple[RemoteFile, ...]:
    """The files that are not hidden, sorted, their names checked. Raises BadInputError."""
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
    return tuple(found[name] for name in sorted(found))


def check(items: Iterable[RemoteFile], kind: InputKind) -> None:
    """Raises BadInputError unless these files can be an input of this kind."""
    names = {item.name for item in items}
    if not names:
        raise BadInputError("there are no files at this address; correct it")
    needed = REQUIRED_FILES.get(kind)
    if needed is None:
        return
    if needed not in names:
        raise BadInputError(f"has no {needed}, which every {kind} needs; give the address of the folder that holds it")
    if not any(name.endswith(WEIGHTS_SUFFIX) for name in names):
        raise BadInputError(
            f"has no weights in safetensors ({len(names)} other files), and pickled weights are refused; convert them"
        )
