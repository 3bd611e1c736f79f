"""Chooses the split of a data set that is read: a list of a JSON document, or files of a folder.

A data set for evaluation is often published with a test split. Generators must not see it, so it is never guessed for
seed data. For data that items are only compared with, it is the default (`TEST_SPLIT`).
"""

import re
from collections.abc import Iterable, Mapping

from swarm_core.blocks.data_source import TEST_SPLIT
from swarm_core.errors import BadInputError, list_names

PREFERRED_SPLITS = ("train", "training", "dev", "validation", "valid", "val")
TEST_SPLITS = ("test", "testing", "eval")
SPLIT_NAMES = frozenset({*PREFERRED_SPLITS, *TEST_SPLITS})
SPLIT_FIELD = "split"
"""The field of the block `data` that names the split."""


def choose(counts: Mapping[str, int], wanted: str | None) -> str:
    """The split to read: the one that the user names, the only one, or the one for training; of `TEST_SPLIT`, the one
    for tests instead.

    `counts`: the number of records, or of files, by split. Raises BadInputError if there is no such split, or if
    several could be meant.
    """
    sizes = list_names(f"{name} ({count:,})" for name, count in counts.items())
    if wanted is not None and wanted != TEST_SPLIT:
        if wanted not in counts:
            raise BadInputError(f"has no split {wanted!r}; set data.{SPLIT_FIELD} to one of {sizes}")
        return wanted
    if len(counts) == 1:
        return next(iter(counts))
    for name in TEST_SPLITS if wanted == TEST_SPLIT else PREFERRED_SPLITS:
        found = [one for one in counts if one.lower() == name and counts[one]]
        if found:
            return found[0]
    raise BadInputError(f"has several splits; set data.{SPLIT_FIELD} to one of {sizes}")


def find_in_name(name: str) -> str | None:
    """The split that a path names, such as `train` of `data/train-00000-of-00002.parquet`; None if it names none."""
    parts: Iterable[str] = re.split(r"[^A-Za-z]+", name)
    return next((part.lower() for part in parts if part.lower() in SPLIT_NAMES), None)
