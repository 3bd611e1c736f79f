"""The rounds of a game: the difficulty of the items, and the takers' scores before and after each move.

`before` is the score of the previous round's best taker on the new pool, and `after` is the score of the best taker
after the takers moved, on the same pool. Plotted over the rounds, they form a saw-tooth.

Limits: both are search scores. `after` is the maximum of noisy values, so it is biased upward.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from swarm_core.commit import Commit
from swarm_core.item_pool import Pool
from swarm_core.optimizers import optimization


@dataclass(frozen=True, slots=True)
class Round:
    """The scores of one round."""

    number: int
    difficulty: float | None
    """The difficulty of the best generator for the takers it faced; None if it has no score."""
    before: float | None = None
    """The score of the previous round's best taker on this round's pool; None if it was not measured again."""
    after: float | None = None
    """The score of the best taker on this round's pool after the takers' move."""
    real: float | None = None
    """The score of that taker on held-out real items."""
    rivals: float | None = None
    """The score of that taker on the rivals' items."""
    seeds: int = 0
    """The number of seed items that are still in the pool."""
    archive: int = 0
    """The number of items in the archive."""


def summarize(generators: Sequence[Commit], takers: Sequence[Commit], pools: Sequence[Pool]) -> tuple[Round, ...]:
    """Return all rounds from their commits and pools. The takers may not have moved in the last one."""
    rounds = []
    for number, commit in enumerate(generators):
        if number < len(takers):
            last = takers[number - 1] if number else None
            rounds.append(summarize_full_round(number, find_best_value(commit), takers[number], pools[number], last))
        else:
            rounds.append(Round(number, find_best_value(commit)))
    return tuple(rounds)


def summarize_full_round(
    number: int, difficulty: float | None, takers: Commit, pool: Pool, last: Commit | None
) -> Round:
    """Return a round in which both sides moved. `last`: the takers' commit of the previous round."""
    held_out = {candidate.name: candidate.fitness for candidate in takers.held_out}
    return Round(
        number=number,
        difficulty=difficulty,
        before=None if last is None else find_previous_best_score(takers, last),
        after=find_best_value(takers),
        real=held_out.get("real"),
        rivals=held_out.get("rivals"),
        seeds=sum(entry.round < 0 for entry in pool.entries),
        archive=len(pool.archive),
    )


def find_best_value(commit: Commit) -> float | None:
    """Return the search's estimate of the value of a commit's best position; None if it has no score."""
    best = optimization.best(optimization.from_json(commit.swarm))
    return None if best is None else best.value


def find_previous_best_score(takers: Commit, last: Commit) -> float | None:
    """Return this round's score of the previous round's best taker; None if it was not measured.

    The basis may have grown since then, so its position is extended with zeros.
    """
    previous_best = optimization.best(optimization.from_json(last.swarm))
    if previous_best is None:
        return None
    added = len(takers.basis) - len(last.basis)
    position = (*previous_best.position, *(0.0,) * added)
    return next((candidate.fitness for candidate in takers.candidates if candidate.position == position), None)
