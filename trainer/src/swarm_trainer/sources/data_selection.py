"""Selects the files of a folder of data that are read, from their names: those of one split, in one format.

The same rules hold for a folder on this machine, a prefix of a bucket and a repository of the hub. So only the files of
the chosen split are fetched and pinned.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from swarm_core.blocks.data_source import TEST_SPLIT
from swarm_core.errors import BadInputError
from swarm_trainer.sources import splits

DATA_SUFFIXES = frozenset({".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet"})
COMPRESSION_SUFFIXES = frozenset({".gz", ".zst", ".xz", ".bz2"})
METADATA_NAMES = frozenset(
    {"config.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"}
)
"""Names of JSON files that describe a data set and hold no records."""


@dataclass(frozen=True, slots=True)
class ChosenFiles:
    """The files of one split."""

    split: str | None
    """None if the names of the files name no split."""
    names: tuple[str, ...]
    splits: dict[str, int]
    """The number of files of each split of the folder."""


def find_data_suffix(name: str) -> str:
    """The suffix of a file without the suffix of its compression, in lower case."""
    path = PurePosixPath(name.lower())
    return PurePosixPath(path.stem).suffix if path.suffix in COMPRESSION_SUFFIXES else path.suffix


def is_data_file(name: str) -> bool:
    """Whether a file of a folder holds records, by its name. Hidden files do not."""
    path = PurePosixPath(name)
    hidden = any(part.startswith((".", "_")) for part in path.parts)
    return not hidden and path.name not in METADATA_NAMES and find_data_suffix(name) in DATA_SUFFIXES


def select_data(names: Collection[str], wanted: Collection[str | None]) -> tuple[str, ...]:
    """The files of all wanted splits, sorted; None is the split that is read by default.

    Raises BadInputError if the folder has no data files, or if a split does not exist or several could be meant.
    """
    found = list_data_files(names)
    chosen = (choose_files(found, split).names for split in sorted(wanted, key=lambda split: split or ""))
    return tuple(sorted({name for files in chosen for name in files}))


def list_data_files(names: Collection[str]) -> tuple[str, ...]:
    """The data files of a folder, sorted. Raises BadInputError if there are none, or if they have several formats."""
    found = tuple(sorted(filter(is_data_file, names)))
    if not found:
        raise BadInputError(
            "there is no file at this address, and no folder with data files"
            f" ({', '.join(sorted(DATA_SUFFIXES))}, also compressed); correct it"
        )
    formats = Counter(map(find_data_suffix, found))
    if len(formats) > 1:
        raise BadInputError(
            f"it has files of several formats ({', '.join(sorted(formats))}); give the path of one file, or of a folder"
            " with one format"
        )
    return found


def choose_files(names: Sequence[str], wanted: str | None) -> ChosenFiles:
    """The files of the split to read. `names` are data files. Raises BadInputError."""
    by_split: dict[str | None, list[str]] = {}
    for name in names:
        by_split.setdefault(splits.find_in_name(name), []).append(name)
    counts = {split: len(files) for split, files in by_split.items() if split is not None}
    chosen = splits.choose(counts, wanted) if counts else None
    if wanted not in (None, TEST_SPLIT) and chosen is None:
        raise BadInputError(f"its files name no split; remove data.{splits.SPLIT_FIELD}")
    files = tuple(by_split[chosen])
    folders = sorted({name.rpartition("/")[0] for name in files})
    if len(folders) > 1:
        places = ", ".join(map(repr, folders[:8]))
        raise BadInputError(f"it has data in several folders ({places}); add the one to use to the path")
    return ChosenFiles(chosen, files, counts)
