"""Splits a sample into its requests, which are the units that intervals resample.

The items of one completion were written together, so they stand and fall together. A unit holds the accepted items of
one request, and how many items were requested. Rejected items, and requests that failed, are part of it. Two candidates
of one run get the same prompts and the same sampling seeds at the same place, so their units are compared place by
place.

Limits: a sample without `Sample.requests` has the requests that its items tell: one for each value of `Item.request`,
or one for each item if all values are equal. Requests that brought nothing are added until all requested items exist.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import chain, compress

from swarm_core.items import Item
from swarm_core.objectives.objective import RequestCount, Sample
from swarm_core.objectives.scores import Unscored

Place = tuple[int, int, int]
"""The repeat, the round and the number of a request."""
Sums = tuple[int, ...]
"""Sums over items: accepted, asked, and for each taker its scores in units of 2^-53 and their number."""

SUMS_OF_ONE_MEAN = 4
"""The number of sums of a sample with one taker."""
UNITS_PER_SCORE = 1 << 53
"""Scores are summed in units of 2^-53. Sums of integers are exact, so requests that agree give equal values."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One request of a sample."""

    count: RequestCount
    items: tuple[int, ...]
    """The indices of its accepted items within the repeat."""


def split_requests(sample: Sample) -> dict[Place, Unit]:
    """Return the units of all repeats by place, in order. `sample` has requests (`add_requests`).

    Raises ValueError for an item whose request is not in `sample.requests`.
    """
    units = {}
    for repeat, (items, counts) in enumerate(zip(sample.items, sample.requests, strict=True)):
        members: list[list[int]] = [[] for _ in counts]
        for index, item in enumerate(items):
            if item.request >= len(counts):
                raise ValueError(f"item {item.text[:40]!r} is of request {item.request}, but there are {len(counts)}")
            members[item.request].append(index)
        for count, inside in zip(counts, members, strict=True):
            units[repeat, count.round, count.number] = Unit(count, tuple(inside))
    return units


def add_requests(sample: Sample) -> Sample:
    """Return `sample` itself if it has requests, and otherwise the same sample with requests derived from its items."""
    if sample.requests:
        return sample
    if not sample.items:
        sample = replace(sample, items=((),), scores=(((),) * len(sample.takers),))
    labels = [label_items(items) for items in sample.items]
    sizes = [list(Counter(of_repeat).values()) for of_repeat in labels]
    asked = spread_missing(sizes, max(0, sample.asked - sample.accepted))
    numbers = [{label: number for number, label in enumerate(dict.fromkeys(of_repeat))} for of_repeat in labels]
    return replace(
        sample,
        items=tuple(
            tuple(replace(item, request=known[label]) for item, label in zip(items, of_repeat, strict=True))
            for items, of_repeat, known in zip(sample.items, labels, numbers, strict=True)
        ),
        requests=tuple(tuple(RequestCount(0, n, size) for n, size in enumerate(of_repeat)) for of_repeat in asked),
    )


def label_items(items: Sequence[Item]) -> list[int]:
    """Return a number for each item that is equal for the items of one request."""
    numbers = [item.request for item in items]
    return numbers if len(set(numbers)) > 1 else list(range(len(items)))


def spread_missing(sizes: Sequence[Sequence[int]], missing: int) -> list[list[int]]:
    """Return how many items each request asked for, [repeat][request].

    `sizes`: the accepted items of each request. All requests ask for as many items as the largest one brought, as far
    as the `missing` items go. Requests that brought nothing ask for the rest.
    """
    largest = max(chain.from_iterable(sizes), default=1)
    asked: list[list[int]] = []
    for of_repeat in sizes:
        asked.append([])
        for accepted in of_repeat:
            more = min(largest - accepted, missing)
            missing -= more
            asked[-1].append(accepted + more)
    while missing > 0:
        min(asked, key=len).append(min(largest, missing))
        missing -= largest
    return asked


def sum_requests(sample: Sample) -> dict[Place, Sums]:
    """Return the sums of each request by place. `sample` has requests (`add_requests`)."""
    sums = {}
    for place, unit in split_requests(sample).items():
        counts = [len(unit.items) + unit.count.repeated, unit.count.asked]
        for row in sample.scores[place[0]]:
            present = [value for index in unit.items if not isinstance(value := row[index], Unscored)]
            counts += [sum(round(value * UNITS_PER_SCORE) for value in present), len(present)]
        sums[place] = tuple(counts)
    return sums


def select_requests(sample: Sample, chosen: Collection[Place]) -> Sample:
    """Return the part of `sample` that the `chosen` requests brought. `sample` has requests (`add_requests`)."""
    requests = tuple(
        tuple(
            count if (repeat, count.round, count.number) in chosen else replace(count, asked=0, repeated=0)
            for count in counts
        )
        for repeat, counts in enumerate(sample.requests)
    )
    kept = [
        {index for index, count in enumerate(counts) if (repeat, count.round, count.number) in chosen}
        for repeat, counts in enumerate(sample.requests)
    ]
    masks = [[item.request in inside for item in items] for inside, items in zip(kept, sample.items, strict=True)]
    flat = list(chain.from_iterable(masks))
    return replace(
        sample,
        items=tuple(tuple(compress(items, mask)) for items, mask in zip(sample.items, masks, strict=True)),
        scores=tuple(
            tuple(tuple(compress(row, mask)) for row in rows) for rows, mask in zip(sample.scores, masks, strict=True)
        ),
        asked=sum(count.asked for counts in requests for count in counts),
        features={name: tuple(compress(values, flat)) for name, values in sample.features.items()},
        requests=requests,
    )
