"""The protocol of a rival, and the cost of a search, which limits what a rival may spend.

A rival has two halves. The half here has its settings, its revision and the name of the other half. The other half is a
function `carry_out(rival, context) -> FinalData` (`swarm_trainer.rivals.rival_context`). It uses the models of the run.
So the API and the operator know every rival and import no heavy library.

A rival may spend what the search spent, its final choice included. The items of the report are not part of this budget,
as they are not part of that of the search.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self, runtime_checkable

from swarm_core.rollout import Rollout
from swarm_core.text.prompts import Wording


class Rival(Protocol):
    """The half of a rival that the core knows. The class of a built-in also has `settings` and `from_settings`."""

    revision: ClassVar[int]
    """The revision, which is raised when its results change."""
    trainer: ClassVar[str]
    """The place `module:function` of the other half."""
    spends_budget: ClassVar[bool]
    """Whether it makes measurements of its own before the report."""


@runtime_checkable
class DemandingRival(Rival, Protocol):
    """A rival that not every run can have."""

    def find_misfit(self, wording: Wording) -> str | None:
        """Return why a run with these prompts cannot have the rival, and the way out; None if it can."""
        ...


@dataclass(frozen=True, slots=True)
class SearchCost:
    """The cost of some measurements."""

    items: int = 0
    """The number of items requested of generators, lost ones included."""
    answers: int = 0
    """The number of answers requested of takers. Each is judged once."""
    tokens: int = 0
    """The number of tokens that generators, takers and judges generated."""

    @classmethod
    def sum(cls, rollouts: Iterable[Rollout]) -> Self:
        """Return the cost of `rollouts`."""
        items = answers = tokens = 0
        for one in rollouts:
            items += one.asked
            answers += len(one.items) * len(one.takers)
            tokens += one.tokens
        return cls(items, answers, tokens)

    def __add__(self, other: "SearchCost") -> "SearchCost":
        return SearchCost(self.items + other.items, self.answers + other.answers, self.tokens + other.tokens)

    def take_share(self, part: int, parts: int) -> "SearchCost":
        """Return `part` of `parts` equal parts of the cost, rounded down."""
        return SearchCost(self.items * part // parts, self.answers * part // parts, self.tokens * part // parts)

    def fits_into(self, budget: "SearchCost") -> bool:
        """Return whether no part of the cost is above that of `budget`."""
        return self.items <= budget.items and self.answers <= budget.answers and self.tokens <= budget.tokens
