"""Deletes everything that a run keeps in its store, in an order that may be interrupted anywhere.

    1   receipts, which record finished work
    2   HEAD
    3   iterations, the last one first, and of each the commit before the rollouts
    4   every other name
    5   blobs, probes, unfinished uploads

So an interrupted purge leaves the beginning of the run: every remaining name leads to existing blobs, and every commit
to the commits before it. A run that is created again over it goes on from there.

Only objects with exactly the form of a run's parts are deleted. A run that lies below this one keeps its own. A second
purge changes nothing.

Limits: versions that a bucket keeps of deleted objects stay. If something still writes, the store is listed again,
ROUNDS times in all.
"""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby

from swarm_core.ports import StoreError
from swarm_trainer.stores.s3_bucket import THREADS
from swarm_trainer.stores.store_listing import STORED_PATTERN, StoredObject, StoreListing

ROUNDS = 3
NAME_PATTERN = re.compile(r"names/(?!(?:names|blobs|probe|tmp)/)(.+)")
"""Excludes the names, blobs and so on of a run that is called `names` and lies below this one."""
ITERATION_PATTERN = re.compile(r"iterations/(\d{4,})/(COMMIT\.json)?.*")
DeletionRank = tuple[int, int, int]
"""Sorts in the order of deletion."""


@dataclass(frozen=True, slots=True)
class PurgeReport:
    """The number and the size of the deleted objects."""

    objects: int = 0
    size: int = 0
    """In bytes."""


def purge(listing: StoreListing, report: Callable[[PurgeReport], None]) -> PurgeReport:
    """Delete everything of the run. `report` is called after every object. Raises StoreError."""
    deleted = PurgeReport()
    for _ in range(ROUNDS):
        found = [(rank, stored) for stored in listing.objects() if (rank := deletion_rank(stored)) is not None]
        if not found:
            return deleted
        for stored in delete_in_order(listing, found):
            deleted = PurgeReport(deleted.objects + 1, deleted.size + stored.size)
            report(deleted)
    if left := [stored.key for stored in listing.objects() if deletion_rank(stored) is not None]:
        raise StoreError(
            f"{left[0]}: it was written while the run is being deleted; stop the program that writes there,"
            " and purge again"
        )
    return deleted


def delete_in_order(listing: StoreListing, found: list[tuple[DeletionRank, StoredObject]]) -> Iterator[StoredObject]:
    """Delete objects, those of one rank in parallel, and none before all of the lower ranks are deleted. Raises
    StoreError.
    """

    def delete(stored: StoredObject) -> StoredObject:
        listing.delete(stored)
        return stored

    with ThreadPoolExecutor(THREADS) as pool:
        for _, together in groupby(sorted(found, key=lambda one: one[0]), key=lambda one: one[0]):
            yield from pool.map(delete, [stored for _, stored in together])


def deletion_rank(stored: StoredObject) -> DeletionRank | None:
    """The rank of an object in the order of deletion; None if it is not part of the run."""
    if STORED_PATTERN.fullmatch(stored.key):
        return (5, 0, 0)
    name = NAME_PATTERN.fullmatch(stored.key)
    if name is None:
        return None
    if iteration := ITERATION_PATTERN.fullmatch(name[1]):
        return (3, -int(iteration[1]), int(iteration[2] is None))
    if name[1] == "HEAD":
        return (2, 0, 0)
    return (1, 0, 0) if name[1].startswith("receipts/") else (4, 0, 0)
