"""Best of N: the best initial generator writes more items than wanted, and the best of them are kept.

An item's value is what the objective loses without it: the value of all drafts minus the value of all other drafts. So
the rule holds for every objective. Where the objective is a mean of items, it orders them by their own values. Where it
is a function of the set, such as the best taker's mean or a distance between takers, the values change with the set.
So selection goes in rounds: each drops the worst quarter of what is left, until as many as wanted are left, and then
computes the values again.

Items are selected by one set of answers and measured by another. So the value of the kept items is not one of lucky
answers. Takers that answer greedily give the same answer again: then nothing was luck, and both sets agree.

Limits: an item with an answer that has no score is not selected. A round without a smooth objective, such as one of
ranks, sees many equal values, and keeps the items that were written first. It takes time in the square of the number of
drafts, unless the objective is a function of the takers' means.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, Strict

from swarm_core.blocks.scalars import to_integer
from swarm_core.blocks.settings import Settings
from swarm_core.objectives.objective import FunctionOfMeans, Objective, ReferenceScores, Sample
from swarm_core.objectives.scores import Unscored
from swarm_core.rollout import AnsweredItem, collect_features

KEPT = 0.75
"""The share of the items that one round of the selection keeps."""

DraftCount = Annotated[int, Strict(), Field(ge=2, le=1000), BeforeValidator(to_integer)]

Repeats = Sequence[Sequence[AnsweredItem]]
"""Items, [repeat][item]."""


class BestOfNSettings(Settings):
    """The number of drafts."""

    drafts: DraftCount | None = None
    """Number of drafts for each item, at most. If absent, as many as the search's budget pays for."""


@dataclass(frozen=True, slots=True)
class BestOfN:
    """The best items out of many that the best initial generator writes."""

    revision: ClassVar[int] = 1
    trainer: ClassVar[str] = "swarm_trainer.rivals.best_of_n:carry_out"
    spends_budget: ClassVar[bool] = True
    settings: ClassVar[type[BestOfNSettings]] = BestOfNSettings

    drafts: int | None = None

    @classmethod
    def from_settings(cls, settings: BestOfNSettings) -> "BestOfN":
        return cls(settings.drafts)


@dataclass(frozen=True, slots=True)
class Selector:
    """Selects items by what an objective loses without them."""

    objective: Objective
    takers: tuple[str, ...]
    reference: ReferenceScores | None = None

    def select(self, repeats: Repeats, count: int) -> list[list[AnsweredItem]]:
        """Return at most `count` items of each repeat, in the order in which they were written."""
        kept = [[one for one in items if one.is_scored] for items in repeats]
        while any(len(items) > count for items in kept):
            losses = self.find_losses(kept)
            kept = [keep_best(items, values, count) for items, values in zip(kept, losses, strict=True)]
        return kept

    def find_losses(self, repeats: Repeats) -> list[list[float]]:
        """Return what the objective loses without each item, [repeat][item]."""
        every = list(chain.from_iterable(repeats))
        if isinstance(self.objective, FunctionOfMeans):
            losses = iter(self.find_losses_of_means(self.objective, every))
            return [[next(losses) for _ in items] for items in repeats]
        whole = self.compute_value(repeats)
        return [
            [
                whole
                - self.compute_value([*repeats[:place], [*items[:index], *items[index + 1 :]], *repeats[place + 1 :]])
                for index in range(len(items))
            ]
            for place, items in enumerate(repeats)
        ]

    def find_losses_of_means(self, objective: FunctionOfMeans, items: Sequence[AnsweredItem]) -> list[float]:
        """Return the losses of an objective that is a function of the takers' means, from sums over items."""
        if len(items) < 2:
            return [0.0] * len(items)
        rows = [read_scores(one) for one in items]
        totals = [sum(column) for column in zip(*rows, strict=True)]
        whole = objective.value_of_share([total / len(rows) for total in totals], 1.0)
        others = len(rows) - 1
        return [
            whole - objective.value_of_share([(t - s) / others for t, s in zip(totals, row, strict=True)], 1.0)
            for row in rows
        ]

    def compute_value(self, repeats: Repeats) -> float:
        """Return the value of these items alone, as if no other had been requested."""
        every = list(chain.from_iterable(repeats))
        return self.objective.value(
            Sample(
                items=tuple(tuple(one.item for one in items) for items in repeats),
                takers=self.takers,
                scores=tuple(
                    tuple(tuple(one.answers[taker].score for one in items) for taker in range(len(self.takers)))
                    for items in repeats
                ),
                asked=len(every),
                features=collect_features(every),
                reference=self.reference,
            )
        )


def read_scores(item: AnsweredItem) -> list[float]:
    """Return the scores of an item all of whose answers have one, [taker]."""
    return [answer.score for answer in item.answers if not isinstance(answer.score, Unscored)]


def keep_best(items: Sequence[AnsweredItem], values: Sequence[float], count: int) -> list[AnsweredItem]:
    """Return the items of the highest values, in their order: the share `KEPT` of them, but not fewer than `count`."""
    size = max(count, int(KEPT * len(items)))
    best = sorted(range(len(items)), key=lambda index: (-values[index], index))[:size]
    return [items[index] for index in sorted(best)]
