"""The positions that a search may begin at: the initial adapters, their analogies, their children and random ones.

Analogies (a + b - c: what b has over c, added to a) reach outside the hull of the initial adapters, where weight
arithmetic often has what none of them has. Children interpolate or extrapolate a pair (Model Swarms arXiv 2410.11163).
Random positions look where none of these lead: where those that lean to a good region happen to have no score, it would
else never be looked at again. All of them sum to 1. Invariant: the candidates are a function of the plan alone.
"""

from collections.abc import Sequence
from itertools import combinations

from swarm_core import streams
from swarm_core.optimizers import positions, sampling
from swarm_core.optimizers.candidate import Candidate, Purpose
from swarm_core.optimizers.optimizer import Plan
from swarm_core.optimizers.positions import Position

LEAST_ANALOGIES = 16
"""Up to so many analogies are always measured: the twelve of four adapters belong to the evidence for this start."""


def list_analogies(plan: Plan) -> tuple[Position, ...]:
    """a + b - c over different initial adapters: all n(n-1)(n-2)/2, or a sample of max(2 * particles, 16) of them.

    Twice the particles are enough to choose the particles from; 64 adapters have 124,992.
    """
    corners = positions.vertices(plan.basis)
    pairs = combinations(range(plan.basis), 2)
    triples = [(a, b, c) for a, b in pairs for c in range(plan.basis) if c not in (a, b)]
    most = max(2 * plan.particles, LEAST_ANALOGIES)
    if len(triples) > most:
        triples = [triples[index] for index in sorted(streams.sample(plan.seed, len(triples), most, "analogies"))]
    return tuple(positions.combine([(1.0, corners[a]), (1.0, corners[b]), (-1.0, corners[c])]) for a, b, c in triples)


def draw_child(plan: Plan, index: int) -> Position:
    """w * A + (1 - w) * B, w ~ U(0, 2), for a random pair of initial adapters: inside and outside their segment."""
    corners = positions.vertices(plan.basis)
    first, second = streams.sample(plan.seed, plan.basis, 2, "parents", index)
    weight = 2.0 * streams.uniform(plan.seed, "child", index)
    return positions.combine([(weight, corners[first]), (1.0 - weight, corners[second])])


def list_generators(plan: Plan) -> tuple[Candidate, ...]:
    """Return the initial adapters, each by itself."""
    return _candidates(plan, "g", positions.vertices(plan.basis))


def list_candidates(plan: Plan, *, with_analogies: bool = False, random: int = 0) -> tuple[Candidate, ...]:
    """What a particle swarm measures in iteration 0: the initial adapters, analogies if it wants them, children up to
    the number of particles, and `random` positions, drawn as random search draws. All layers start alike.
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
