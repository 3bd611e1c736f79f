"""The initial positions of a search: the initial adapters, their analogies, their children and random positions.

An analogy is a + b - c: the difference between b and c, added to a. Analogies lie outside the hull of the initial
adapters, where weight arithmetic often finds abilities that no initial adapter has. A child interpolates or
extrapolates a pair (Model Swarms arXiv 2410.11163). Random positions cover the regions that the others do not reach, or
reach only with candidates that get no score. All of them sum to 1. Invariant: the candidates depend on the plan alone.
"""

from collections.abc import Sequence
from itertools import combinations

from swarm_core import streams
from swarm_core.optimizers import positions, sampling
from swarm_core.optimizers.candidate import Candidate, Purpose
from swarm_core.optimizers.optimizer import Plan
from swarm_core.optimizers.positions import Position

LEAST_ANALOGIES = 16
"""At least so many analogies are measured if there are as many. Four adapters have twelve: this start was tested with
all of them."""


def list_analogies(plan: Plan) -> tuple[Position, ...]:
    """Return the analogies a + b - c of different initial adapters: all n(n-1)(n-2)/2, or a random sample.

    The sample has max(2 * particles, 16) of them: 64 adapters have 124,992, and two for each particle are enough.
    """
    corners = positions.vertices(plan.basis)
    pairs = combinations(range(plan.basis), 2)
    triples = [(a, b, c) for a, b in pairs for c in range(plan.basis) if c not in (a, b)]
    most = max(2 * plan.particles, LEAST_ANALOGIES)
    if len(triples) > most:
        triples = [triples[index] for index in sorted(streams.sample(plan.seed, len(triples), most, "analogies"))]
    return tuple(positions.combine([(1.0, corners[a]), (1.0, corners[b]), (-1.0, corners[c])]) for a, b, c in triples)


def draw_child(plan: Plan, index: int) -> Position:
    """Return w * A + (1 - w) * B with w ~ U(0, 2) for a random pair of initial adapters A and B."""
    corners = positions.vertices(plan.basis)
    first, second = streams.sample(plan.seed, plan.basis, 2, "parents", index)
    weight = 2.0 * streams.uniform(plan.seed, "child", index)
    return positions.combine([(weight, corners[first]), (1.0 - weight, corners[second])])


def list_generators(plan: Plan) -> tuple[Candidate, ...]:
    """Return the positions of the initial adapters."""
    return _candidates(plan, "g", positions.vertices(plan.basis))


def list_candidates(plan: Plan, *, with_analogies: bool = False, random: int = 0) -> tuple[Candidate, ...]:
    """Return the candidates of a particle swarm in iteration 0. All layers have equal blocks.

    They are the initial adapters, the analogies on request, children until there are enough particles, and `random`
    positions of the distribution that random search uses.
    """
    analogous = list_analogies(plan) if with_analogies else ()
    missing = plan.particles - plan.basis - len(analogous)
    return (
        *list_generators(plan),
        *_candidates(plan, "a", analogous),
        *_candidates(plan, "c", tuple(draw_child(plan, index) for index in range(missing))),
        *_candidates(plan, "s", sampling.uniform_positions(plan.seed, plan.basis, 0, random)),
    )


def _candidates(plan: Plan, letter: str, blocks: Sequence[Position]) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(f"{letter}{index:02d}", positions.repeat(block, plan.groups), Purpose.START)
        for index, block in enumerate(blocks)
    )
