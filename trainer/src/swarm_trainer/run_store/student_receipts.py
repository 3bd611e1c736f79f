"""Receipts of trained students. The conclusion trains them one after another, so each is found again after a kill.

The first write wins: later attempts use the student that a receipt names, and never train it again.
"""

from collections.abc import Iterator
from enum import StrEnum

from swarm_core.engine.work import Receipt
from swarm_core.ports import ArtifactStore
from swarm_trainer.run_store import receipt_store


class TrainingData(StrEnum):
    """The data that a student is trained on."""

    FOUND = "found"
    """The final items of the best generator."""
    INITIAL = "initial"
    """The final items of the baseline."""
    SEED = "seed"
    """The seed items that are not held out."""


def name_student(data: str, seed: int) -> str:
    """Return the name of the student that a data set trains with a seed, such as `student.found.2`."""
    return f"student.{data}.{seed}"


def list_all(store: ArtifactStore) -> Iterator[Receipt]:
    """Yield the receipts of all students. Raises StoreError."""
    for data in TrainingData:
        seed = 0
        while (receipt := receipt_store.load(store, name_student(data, seed))) is not None:
            yield receipt
            seed += 1
