"""The functions that all rules of particle swarm optimization share: particles, their bests, and a growing basis.

A particle is a few coefficients over the initial adapters, so a step takes a few hundred floating-point operations, and
the state has a few kilobytes. Iteration 0 measures the positions where particles may start. Every later iteration
measures the positions that they moved to. Invariant: the best of a particle is one of the estimates. The exception is
rule Published with compat Reference, where a particle is its own best before the first score.

The basis is append-only. An old position gets coefficient 0 for a new adapter, so it remains the same model. The
particle with the lowest best moves to the new adapter, because no sum of the old adapters reaches it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from swarm_core import streams
from swarm_core.optimizers import estimates, memory, positions
from swarm_core.optimizers.candidate import Candidate, Result
from swarm_core.optimizers.estimates import Estimate
from swarm_core.optimizers.optimizer import Plan, SearchState
from swarm_core.optimizers.positions import Position


@dataclass(frozen=True, slots=True)
class Particle:
    """One particle. `position` is measured next."""

    position: Position
    velocity: Position
    best: Position | None = None
    """The position of its personal best. None before the first score."""
    stale: int = 0
    """The number of its scores since it reached its best."""


@dataclass(frozen=True, slots=True)
class SwarmState(SearchState):
    """The state of a search by particles."""

    particles: tuple[Particle, ...] = ()
    """Empty before iteration 0 is measured."""


S = TypeVar("S", bound=SwarmState)
P = TypeVar("P", bound=Particle)


def global_best(state: SearchState) -> Estimate | None:
    """Return g, the estimate with the highest mean. None before the first score."""
    return estimates.best(state.estimates)


def current_positions(state: SwarmState) -> tuple[Position, ...]:
    return tuple(particle.position for particle in state.particles)


def bests_to_remeasure(state: SwarmState) -> list[Position]:
    """Return the positions that a `rescored` plan measures again.

    These are all personal bests and the global best, each once, without those that a particle occupies.
    """
    leader = global_best(state)
    known = [particle.best for particle in state.particles] + [leader.position if leader else None]
    occupied = set(current_positions(state))
    return list(dict.fromkeys(best for best in known if best is not None and best not in occupied))


def leaders_to_remeasure(state: SwarmState, count: int) -> list[Position]:
    """Return the `count` leading positions that no particle occupies, best first. Particles are measured anyway."""
    occupied = set(current_positions(state))
    return [one.position for one in estimates.rank(state.estimates) if one.position not in occupied][:count]


def initial_particles(plan: Plan, results: tuple[Result, ...]) -> tuple[Particle, ...]:
    """Return the best `plan.particles` candidates as particles, in the order asked. Those without a score come last."""
    order = sorted(results, key=lambda result: (result[1] is None, -(result[1] or 0.0)))
    chosen = {candidate.name for candidate, _ in order[: plan.particles]}
    return place_particles(plan, [(one, score is not None) for one, score in results if one.name in chosen])


def place_particles(plan: Plan, chosen: Sequence[tuple[Candidate, bool]]) -> tuple[Particle, ...]:
    """Return a particle at each of the `chosen` candidates. The flag says whether it has a score, and so is a best.

    The initial velocity is v_i(0) = x_j - x_i for a random other particle j, equation (1).
    """
    return tuple(
        Particle(
            position=candidate.position,
            velocity=positions.subtract(chosen[_other(plan, index)][0].position, candidate.position),
            best=candidate.position if scored else None,
        )
        for index, (candidate, scored) in enumerate(chosen)
    )


def _other(plan: Plan, index: int) -> int:
    """Return a random particle that is not `index`."""
    (draw,) = streams.integers(plan.seed, plan.particles - 1, 1, "velocity", index)
    return draw + (draw >= index)


def update_bests(
    particles: Sequence[P], results: tuple[Result, ...], updated: Mapping[Position, Estimate]
) -> tuple[P, ...]:
    """Return the particles after the scores of their positions. A particle without a score does not change."""
    scored = {candidate.position for candidate, score in results if score is not None}
    return tuple(_update_best(one, updated) if one.position in scored else one for one in particles)


def _update_best(particle: P, updated: Mapping[Position, Estimate]) -> P:
    """Return the particle with a new best if its position is strictly better, or with a best that is older by one."""
    best = None if particle.best is None else updated.get(particle.best)
    if best is None or updated[particle.position].value > best.value:
        return replace(particle, best=particle.position, stale=0)
    return replace(particle, stale=particle.stale + 1)


def advance(
    state: S,
    results: tuple[Result, ...],
    updated: Mapping[Position, Estimate],
    particles: Sequence[Particle],
    move: Callable[[S, int], Particle],
) -> S:
    """Return the state of the next iteration: with `particles`, the `updated` estimates, and every particle moved.

    `move` takes the state of the next iteration and the index of a particle.
    """
    learned = memory.keep_estimates(
        replace(state, particles=tuple(particles)), results, updated, (p.best for p in particles)
    )
    arriving = replace(learned, iteration=learned.iteration + 1)
    return replace(arriving, particles=tuple(move(arriving, index) for index in range(len(arriving.particles))))


def extend_basis(state: S, added: int) -> S:
    """Return `state` over a basis with `added` more adapters. Every position remains the same adapter."""
    plan = state.plan
    extend = partial(positions.extend, groups=plan.groups, added=added)
    worst = state.worst
    return replace(
        state,
        plan=replace(plan, basis=plan.basis + added),
        particles=tuple(_map_positions(one, extend) for one in state.particles),
        estimates=tuple(replace(one, position=extend(one.position)) for one in state.estimates),
        worst=None if worst is None else replace(worst, position=extend(worst.position)),
    )


def _map_positions(particle: Particle, change: Callable[[Position], Position]) -> Particle:
    """Return the particle with `change` applied to its position, its velocity and its best."""
    best = None if particle.best is None else change(particle.best)
    return replace(particle, position=change(particle.position), velocity=change(particle.velocity), best=best)


def add_adapter(state: S) -> S:
    """Return `state` with one more adapter. The particle with the lowest best moves to it, at rest and without a best.

    A particle without a score is replaced first. Of equal particles, the last is replaced. Iteration 0 must have been
    measured.
    """
    wide = extend_basis(state, 1)
    plan, known = wide.plan, {estimate.position: estimate.value for estimate in wide.estimates}
    values = [float("-inf") if one.best is None else known.get(one.best, float("-inf")) for one in wide.particles]
    replaced = max(range(len(values)), key=lambda index: (-values[index], index))
    corner = positions.vertices(plan.basis, plan.groups)[-1]
    newcomer = type(wide.particles[replaced])(position=corner, velocity=(0.0,) * len(corner))
    return replace(wide, particles=(*wide.particles[:replaced], newcomer, *wide.particles[replaced + 1 :]))
