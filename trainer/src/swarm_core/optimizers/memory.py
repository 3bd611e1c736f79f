"""What a search learns from one iteration's scores: estimates, the worst score, and how stale the lead has become.

A missing score says nothing: it makes no estimate, beats nothing, loses to nothing and ages nothing.

The mean of all scores of a position is kept, so a lucky one sinks when it is measured again; only Published keeps the
highest and never measures it again. *Improvement* is, for all, that the leading position was found in this very
iteration: averaging may lower the leader, or hand the lead to an older position, and neither counts as progress.

Where the other side moves too, an old score was measured against what is no longer there. A plan that is `rescored`
knows of a position only what this iteration says; one with `decay` lets older scores fade; a plan with neither keeps
them, and follows a best that nothing can beat any more.
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
"""Leading positions remembered beyond need: a good mean displaced by one lucky score must be found again when the lucky
one sinks, and a final choice among eight must find eight where there are fewer particles. A few kilobytes."""


def add_scores(state: S, results: tuple[Result, ...]) -> S:
    """`state` with the scores of its present iteration averaged in; it stays in this iteration."""
    return keep_estimates(state, results, update_estimates(state, results))


def update_estimates(
    state: SearchState, results: tuple[Result, ...], *, keep_highest: bool = False
) -> dict[Position, Estimate]:
    """The estimates after `results`: the mean of all scores of a position, or with `keep_highest` its highest score."""
    plan, known = state.plan, {estimate.position: estimate for estimate in state.estimates}
    updated = {} if plan.rescored else {position: _decay(one, plan.decay) for position, one in known.items()}
    for candidate, score in results:
        if score is None:
            continue
        before = known.get(candidate.position) if plan.rescored else updated.get(candidate.position)
        new = _first_estimate(state, candidate, score)
        if before is None:
            updated[candidate.position] = new
        elif plan.rescored:
            updated[candidate.position] = replace(before, total=score, count=1)
        elif keep_highest:
            updated[candidate.position] = new if score > before.value else before
        else:
            updated[candidate.position] = before.with_score(score)
    return updated


def keep_estimates(
    state: S, results: tuple[Result, ...], updated: Estimates, bests: Iterable[Position | None] = ()
) -> S:
    """`state` with those of the `updated` estimates that are of the initial generators, `bests` or the leaders."""
    learned = replace(state, estimates=_retain(state.plan, updated, bests))
    return replace(learned, worst=_worst(state, results), stale=_stale(learned, results))


def _decay(estimate: Estimate, factor: float) -> Estimate:
    return estimate if factor == 1.0 else replace(estimate, total=estimate.total * factor)


def _first_estimate(state: SearchState, candidate: Candidate, score: float) -> Estimate:
    """The estimate of a position that only `candidate` has measured."""
    name = candidate.name if candidate.purpose is Purpose.START else f"{candidate.name}-{state.iteration:04d}"
    return Estimate(name, candidate.position, score, 1, state.iteration)


def _retain(plan: Plan, updated: Estimates, bests: Iterable[Position | None]) -> tuple[Estimate, ...]:
    leading = {estimate.position for estimate in estimates.rank(updated.values())[:KEPT]}
    needed = {*positions.vertices(plan.basis, plan.groups), *bests} | leading
    return tuple(estimate for estimate in updated.values() if estimate.position in needed)


def _worst(state: SearchState, results: tuple[Result, ...]) -> Estimate | None:
    """The lowest single score ever, or of this iteration if `rescored`; the earliest of equals."""
    found = [Estimate(c.name, c.position, score, 1, state.iteration) for c, score in results if score is not None]
    known = [] if state.worst is None or state.plan.rescored else [state.worst]
    return min(known + found, key=lambda estimate: estimate.value, default=None)


def _stale(learned: SearchState, results: tuple[Result, ...]) -> int:
    """The age of the lead in iterations; one that brought no score at all is no evidence against it."""
    if all(score is None for _, score in results):
        return learned.stale
    best = estimates.best(learned.estimates)
    return 0 if best is not None and best.iteration == learned.iteration else learned.stale + 1
