"""Pairs of lists of items that answer the same prompt, the better and the worse one for an objective.

A list is what one request brought. Its value is what the objective loses without it, at the scale of the objective: the
jackknife pseudo-value

    value_i = n V - (n - 1) V_(without i)        over the n requests of a rollout

(Quenouille 1956; Tukey 1958). So it exists for every objective of a sample, and its mean is about V. For an objective
that is a mean over items, it is the mean of the list's own items. Rejected items are part of it.

Of the lists that answer one prompt, the best and the worst are a pair if their values differ by the minimum gap. Every
item of the better list was accepted, so shorter lists and texts that are no items are never preferred.

Limits: a list with an item that lacks a score is in no pair. Among few items, which taker is the best is uncertain.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from swarm_core.items import Item
from swarm_core.objectives import request_units
from swarm_core.objectives.objective import Objective, Sample
from swarm_core.objectives.request_units import Place
from swarm_core.objectives.scores import CoverageError
from swarm_core.rollout import Rollout


@dataclass(frozen=True, slots=True)
class WrittenList:
    """What one request brought."""

    accepted: tuple[Item, ...]
    """The accepted items, in the order written."""
    rejected: tuple[Item, ...]
    """The rejected items, in the order of their rejection."""
    asked: int
    value: float

    @property
    def written(self) -> tuple[Item, ...]:
        """Return all items, the rejected ones last."""
        return (*self.accepted, *self.rejected)


@dataclass(frozen=True, slots=True)
class ListPair:
    """Two lists that answer the same prompt."""

    place: Place
    """The place of the request that brought the better list. The other request shows the same examples."""
    chosen: tuple[Item, ...]
    rejected: tuple[Item, ...]
    gap: float
    """The value of the chosen list minus that of the other one."""


def find_pairs(
    rollout: Rollout, sample: Sample, objective: Objective, lists_per_prompt: int, minimum_gap: float
) -> list[ListPair]:
    """Return the pairs of a rollout in the order of its prompts. `sample`: the sample of the rollout."""
    by_prompt: dict[Place, dict[Place, WrittenList]] = defaultdict(dict)
    for place, written in collect_lists(rollout, compute_values(sample, objective)).items():
        repeat, turn, number = place
        by_prompt[repeat, turn, number // lists_per_prompt][place] = written
    found = (find_pair(lists, minimum_gap) for lists in by_prompt.values())
    return [pair for pair in found if pair is not None]


def find_pair(lists: Mapping[Place, WrittenList], minimum_gap: float) -> ListPair | None:
    """Return the best complete list and the worst list, the first among equals; None if they do not differ enough."""
    complete = {place: one for place, one in lists.items() if len(one.accepted) == one.asked}
    written = [one for one in lists.values() if one.written]
    if not complete or not written:
        return None
    place = max(complete, key=lambda key: complete[key].value)
    best, worst = complete[place], min(written, key=lambda one: one.value)
    gap = best.value - worst.value
    if gap <= 0 or gap < minimum_gap:
        return None
    return ListPair(place, best.accepted, worst.written, gap)


def compute_values(sample: Sample, objective: Objective) -> dict[Place, float]:
    """Return the pseudo-value of each request that has one, by place."""
    split = request_units.add_requests(sample)
    places = list(request_units.split_requests(split))
    whole, values = compute_value(split, objective), {}
    for place in places:
        rest = compute_value(request_units.select_requests(split, {*places} - {place}), objective)
        if whole is not None and rest is not None:
            values[place] = len(places) * whole - (len(places) - 1) * rest
    return values


def compute_value(sample: Sample, objective: Objective) -> float | None:
    """Return the value of a sample, 0 if no item was accepted; None if scores are missing, or nothing was asked."""
    if sample.asked == 0:
        return None
    if sample.accepted == 0:
        return 0.0
    try:
        return objective.value(sample)
    except CoverageError:
        return None


def collect_lists(rollout: Rollout, values: Mapping[Place, float]) -> dict[Place, WrittenList]:
    """Return the list of each request that has a value and whose items have all scores, by place."""
    unscored = {one.item.request for one in rollout.items if not one.is_scored}
    accepted: Sequence[list[Item]] = [[] for _ in rollout.requests]
    rejected: Sequence[list[Item]] = [[] for _ in rollout.requests]
    for one in rollout.items:
        accepted[one.item.request].append(one.item)
    for rejection in rollout.rejections:
        rejected[rejection.item.request].append(rejection.item)
    places = [(count.repeat, count.round, count.number) for count in rollout.requests]
    return {
        place: WrittenList(tuple(accepted[index]), tuple(rejected[index]), rollout.requests[index].asked, values[place])
        for index, place in enumerate(places)
        if place in values and index not in unscored
    }
