"""The game round by round: how hard the items got, what they did to the takers, and what the takers made of it.

The saw-tooth is `before` and `after`: the pool is turned over, the best taker of the round before falls; takers move,
and the best of them is measured on the same pool. Both are search scores, and `after` is a maximum over noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from swarm_core.commit import Commit
from swarm_core.item_pool import Pool
from swarm_core.optimizers import optimization


@dataclass(frozen=True, slots=True)
class Round:
    """One round as it was played."""

    number: int
    difficulty: float | None
    """Of the best generator, for the takers it faced; None is unscored."""
    before: float | None = None
    """What the best taker of the round before scores on this round's pool; None where it was not asked again."""
    after: float | None = None
    """What the best taker scores on it after the takers' move."""
    real: float | None = None
    """What that one scores on held-out real items."""
    rivals: float | None = None
    """And on the rivals' items."""
    seeds: int = 0
    """Seed items still in the pool."""
    archive: int = 0
    """Items in the archive."""


def summarize(generators: Sequence[Commit], takers: Sequence[Commit], pools: Sequence[Pool]) -> tuple[Round, ...]:
    """Every round, from its commits and its pool; the last may lack the takers'."""
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
    """A round in which both sides moved."""
    held_out = {probe.name: probe.fitness for probe in takers.held_out}
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
    """What the best of a commit is believed to be worth."""
    best = optimization.best(optimization.from_json(commit.swarm))
    return None if best is None else best.value


def find_previous_best_score(takers: Commit, last: Commit) -> float | None:
    """The score, in this round, of the taker that led the last one; its basis may have grown since."""
    previous_best = optimization.best(optimization.from_json(last.swarm))
    if previous_best is None:
        return None
    added = len(takers.basis) - len(last.basis)
    position = (*previous_best.position, *(0.0,) * added)
    return next((probe.fitness for probe in takers.probes if probe.position == position), None)
