"""What both rules of particle swarm optimization share: particles, their bests, and a basis that grows.

A particle is a handful of coefficients over the initial adapters, so a step is a few hundred floating-point operations
and the state a few kilobytes. Iteration 0 measures where the particles may begin; every later one what they moved to.
Invariant: the best of a particle is one of the estimates, but for rule Published with compat Reference, where a
particle is its own best until something was scored.

The basis is append-only. An old position gets coefficient 0 for a new adapter and so stays the same model. The particle
with the lowest best moves to the new adapter itself, which no sum of the old adapters reaches.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from swarm_core import streams
from swarm_core.optimizers import estimates, memory, positions
from swarm_core.optimizers.candidate import Result
from swarm_core.optimizers.estimates import Estimate
from swarm_core.optimizers.optimizer import Plan, SearchState
from swarm_core.optimizers.positions import Position


@dataclass(frozen=True, slots=True)
class Particle:
    """One particle, ready to be measured at `position`."""

    position: Position
    velocity: Position
    best: Position | None = None
    """Where its personal best was measured; None until something was scored."""
    stale: int = 0
    """Its scored measurements since it reached its best."""


@dataclass(frozen=True, slots=True)
class SwarmState(SearchState):
    """A search by particles."""

    particles: tuple[Particle, ...] = ()
    """Empty until the start has been measured."""


S = TypeVar("S", bound=SwarmState)
P = TypeVar("P", bound=Particle)


def global_best(state: SearchState) -> Estimate | None:
    """g: the highest mean of all that is remembered."""
    return estimates.best(state.estimates)


def current_positions(state: SwarmState) -> tuple[Position, ...]:
    return tuple(particle.position for particle in state.particles)


def bests_to_remeasure(state: SwarmState) -> list[Position]:
    """Return every personal best and the global best, each once, where no particle is: what a `rescored` plan asks
    again."""
    leader = global_best(state)
    known = [particle.best for particle in state.particles] + [leader.position if leader else None]
    occupied = set(current_positions(state))
    return list(dict.fromkeys(best for best in known if best is not None and best not in occupied))


def leaders_to_remeasure(state: SwarmState, count: int) -> list[Position]:
    """Return the `count` leading positions where no particle is, best first; where one is, it is measured anyway."""
    occupied = set(current_positions(state))
    return [one.position for one in estimates.rank(state.estimates) if one.position not in occupied][:count]


def initial_particles(plan: Plan, results: tuple[Result, ...]) -> tuple[Particle, ...]:
    """Return the best `plan.particles` candidates, in the order asked; one without a score only where scores are
    too few.

    Equation (1): v_i(0) = x_j - x_i for a random other particle j.
    """
    order = sorted(results, key=lambda result: (result[1] is None, -(result[1] or 0.0)))
    chosen = {candidate.name for candidate, _ in order[: plan.particles]}
    kept = [result for result in results if result[0].name in chosen]
    return tuple(
        Particle(
            position=candidate.position,
            velocity=positions.subtract(kept[_other(plan, index)][0].position, candidate.position),
            best=None if score is None else candidate.position,
        )
        for index, (candidate, score) in enumerate(kept)
    )


def _other(plan: Plan, index: int) -> int:
    """Return a random particle that is not `index`."""
    (draw,) = streams.integers(plan.seed, plan.particles - 1, 1, "velocity", index)
    return draw + (draw >= index)


def update_bests(
    particles: Sequence[P], results: tuple[Result, ...], updated: Mapping[Position, Estimate]
) -> tuple[P, ...]:
    """Return the particles after their positions were scored; one without a score stays as it is."""
    scored = {candidate.position for candidate, score in results if score is not None}
    return tuple(_update_best(one, updated) if one.position in scored else one for one in particles)


def _update_best(particle: P, updated: Mapping[Position, Estimate]) -> P:
    """At a new best if its position is strictly better, else older by one."""
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
    """Return the state of the next iteration: `particles` and the `updated` estimates remembered, then every
    particle moved.

    `move` is given the state of the next iteration and the index of a particle.
    """
    learned = memory.keep_estimates(
        replace(state, particles=tuple(particles)), results, updated, (p.best for p in particles)
    )
    arriving = replace(learned, iteration=learned.iteration + 1)
    return replace(arriving, particles=tuple(move(arriving, index) for index in range(len(arriving.particles))))


def extend_basis(state: S, added: int) -> S:
    """`state` over a basis of `added` further adapters, with every position the sum that it was."""
    plan = state.plan

    def extend(position: Position) -> Position:
        return positions.extend(position, plan.groups, added)

    def extend_particle(one: Particle) -> Particle:
        best = None if one.best is None else extend(one.best)
        return replace(one, position=extend(one.position), velocity=extend(one.velocity), best=best)

    def extend_estimate(one: Estimate) -> Estimate:
        return replace(one, position=extend(one.position))

    return replace(
        state,
        plan=replace(plan, basis=plan.basis + added),
        particles=tuple(map(extend_particle, state.particles)),
        estimates=tuple(map(extend_estimate, state.estimates)),
        worst=None if state.worst is None else extend_estimate(state.worst),
    )


def add_adapter(state: S) -> S:
    """`state` with one adapter more, where the particle of the lowest best starts anew, at rest.

    Of equals the last one goes, and one that was never scored before all others. The particles must have started.
    """
    wide = extend_basis(state, 1)
    plan, known = wide.plan, {estimate.position: estimate.value for estimate in wide.estimates}
    values = [float("-inf") if one.best is None else known.get(one.best, float("-inf")) for one in wide.particles]
    replaced = max(range(len(values)), key=lambda index: (-values[index], index))
    corner = positions.vertices(plan.basis, plan.groups)[-1]
    newcomer = type(wide.particles[replaced])(position=corner, velocity=(0.0,) * len(corner))
    return replace(wide, particles=(*wide.particles[:replaced], newcomer, *wide.particles[replaced + 1 :]))
