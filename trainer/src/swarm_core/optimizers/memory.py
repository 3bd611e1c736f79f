"""The update of a search by the scores of one iteration: its estimates, its worst score and the age of its leader.

A missing score carries no information: it changes no estimate, no best and no age.

An estimate is the mean of all scores of a position, so a lucky one falls when it is measured again. Only Published
keeps the highest score and never measures it again. For every rule, *improvement* means that the leading position
was found in this iteration. Averaging may lower the leader, or make an older position the leader, and neither
counts as improvement.

In a game, an old score was measured against opponents that have moved since. A plan that is `rescored` uses only
the scores of this iteration. A plan with `decay` multiplies older scores by a factor. Any other plan keeps them,
and may follow a best that no position can exceed any more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from swarm_core.optimizers import estimates, positions
from swarm_core.optimizers.candidate import Candidate, Purpose, Result
from swarm_core.optimizers.estimates import Estimate
from swarm_core.optimizers.optimizer import Plan, SearchState
from swarm_core.optimizers.positions import Position

S = TypeVar("S", bound=SearchState)
Estimates = Mapping[Position, Estimate]

KEPT = 16
"""The number of additional leading positions to keep. A good mean that a lucky score displaced must be found again when
the lucky one falls, and a final choice among eight needs eight positions. They take a few kilobytes."""


def add_scores(state: S, results: tuple[Result, ...]) -> S:
    """`state` with the scores of its current iteration averaged into its estimates. The iteration does not change."""
    return keep_estimates(state, results, update_estimates(state, results))


def update_estimates(
    state: SearchState, results: tuple[Result, ...], *, keep_highest: bool = False
) -> dict[Position, Estimate]:
    """Return the estimates after `results`: the mean of all scores of a position, or with `keep_highest` its
    highest score."""
    plan, known = state.plan, {estimate.position: estimate for estimate in state.estimates}
    updated = {} if plan.rescored else {position: _decay(one, plan.decay) for position, one in known.items()}
    for candidate, score in results:
        if score is None:
            continue
        before = known.get(candidate.position) if plan.rescored else updated.get(candidate.position)
        new = _first_estimate(state, candidate, score)
        updated[candidate.position] = new if before is None else _update(plan, before, new, keep_highest=keep_highest)
    return updated


def _update(plan: Plan, before: Estimate, new: Estimate, *, keep_highest: bool) -> Estimate:
    """Return the estimate `before` after the single score in `new`."""
    if plan.rescored:
        return replace(before, total=new.total, count=1)
    if keep_highest:
        return new if new.value > before.value else before
    return before.with_score(new.total)


def keep_estimates(
    state: S, results: tuple[Result, ...], updated: Estimates, bests: Iterable[Position | None] = ()
) -> S:
    """`state` with the `updated` estimates of the initial generators, of `bests` and of the leading positions."""
    learned = replace(state, estimates=_retain(state.plan, updated, bests))
    return replace(learned, worst=_worst(state, results), stale=_stale(learned, results))


def _decay(estimate: Estimate, factor: float) -> Estimate:
    return estimate if factor == 1.0 else replace(estimate, total=estimate.total * factor)


def _first_estimate(state: SearchState, candidate: Candidate, score: float) -> Estimate:
    """Return the estimate of a position that only `candidate` has measured."""
    name = candidate.name if candidate.purpose is Purpose.START else f"{candidate.name}-{state.iteration:04d}"
    return Estimate(name, candidate.position, score, 1, state.iteration)


def _retain(plan: Plan, updated: Estimates, bests: Iterable[Position | None]) -> tuple[Estimate, ...]:
    leading = {estimate.position for estimate in estimates.rank(updated.values())[:KEPT]}
    needed = {*positions.vertices(plan.basis, plan.groups), *bests} | leading
    return tuple(estimate for estimate in updated.values() if estimate.position in needed)


def _worst(state: SearchState, results: tuple[Result, ...]) -> Estimate | None:
    """Return the lowest single score so far, or of this iteration if `rescored`. Of equal scores, it is the
    earliest."""
    found = [Estimate(c.name, c.position, score, 1, state.iteration) for c, score in results if score is not None]
    known = [] if state.worst is None or state.plan.rescored else [state.worst]
    return min(known + found, key=lambda estimate: estimate.value, default=None)


def _stale(learned: SearchState, results: tuple[Result, ...]) -> int:
    """Return the age of the leader in iterations. An iteration without scores does not count."""
    if all(score is None for _, score in results):
        return learned.stale
    best = estimates.best(learned.estimates)
    return 0 if best is not None and best.iteration == learned.iteration else learned.stale + 1
