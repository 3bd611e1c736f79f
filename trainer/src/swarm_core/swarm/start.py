"""Where particles begin: the initial adapters, their analogies, their children and random places.

Analogies (a + b - c: what b has over c, added to a) reach outside the hull of the initial adapters, where weight
arithmetic often has what none of them has. Children interpolate or extrapolate a pair (Model Swarms arXiv 2410.11163).
Random places look where none of these lead: where those that lean to a good region happen to have no score, it would
else never be looked at again. All of them sum to 1. Invariant: the probes are a function of the plan alone.
"""

from itertools import combinations

from swarm_core.swarm import positions, scatter, streams
from swarm_core.swarm.plan import Plan, RandomSearch, Standard
from swarm_core.swarm.positions import Position
from swarm_core.swarm.state import Particle, Probe, Purpose, Result

LEAST_ANALOGIES = 16
"""Up to so many analogies are always measured: the twelve of four adapters belong to the evidence for this start."""


def analogies(plan: Plan) -> tuple[Position, ...]:
    """a + b - c over different initial adapters: all n(n-1)(n-2)/2, or a sample of max(2 * particles, 16) of them.

    Twice the particles are enough to choose the particles from; 64 adapters have 124,992.
    """
    corners = positions.vertices(plan.basis)
    pairs = combinations(range(plan.basis), 2)
    triples = [(a, b, c) for a, b in pairs for c in range(plan.basis) if c not in (a, b)]
    most = max(2 * plan.particles, LEAST_ANALOGIES)
    if len(triples) > most:
        triples = [triples[index] for index in sorted(streams.sample(plan.seed, len(triples), most, "analogies"))]
    return tuple(
        positions.combination([(1.0, corners[a]), (1.0, corners[b]), (-1.0, corners[c])]) for a, b, c in triples
    )


def child(plan: Plan, index: int) -> Position:
    """w * A + (1 - w) * B, w ~ U(0, 2), for a random pair of initial adapters: inside and outside their segment."""
    corners = positions.vertices(plan.basis)
    first, second = streams.sample(plan.seed, plan.basis, 2, "parents", index)
    weight = 2.0 * streams.uniform(plan.seed, "child", index)
    return positions.combination([(weight, corners[first]), (1.0 - weight, corners[second])])


def probes(plan: Plan) -> tuple[Probe, ...]:
    """What iteration 0 measures: initial adapters, analogies if the rule wants them, children up to the particles, and
    as many random places as the rule wants, drawn as random search draws.

    Where no particles move, the initial adapters alone. All layers start alike.
    """
    found = {"g": positions.vertices(plan.basis)}
    if isinstance(plan.rule, Standard) and plan.rule.analogies:
        found["a"] = analogies(plan)
    if plan.flies:
        missing = plan.particles - sum(map(len, found.values()))
        found["c"] = tuple(child(plan, index) for index in range(missing))
    if isinstance(plan.rule, Standard):
        found["s"] = scatter.places(RandomSearch(), plan, 0, plan.rule.scattered)
    return tuple(
        Probe(f"{letter}{index:02d}", positions.repeated(block, plan.groups), Purpose.START)
        for letter, kind in found.items()
        for index, block in enumerate(kind)
    )


def particles(plan: Plan, results: tuple[Result, ...]) -> tuple[Particle, ...]:
    """The best `plan.particles` probes, in the order asked; a probe without a score only where scores are too few.

    Equation (1): v_i(0) = x_j - x_i for a random other particle j. In Reference, each is its own best, scored or not.
    """
    order = sorted(results, key=lambda result: (result[1] is None, -(result[1] or 0.0)))
    chosen = {probe.name for probe, _ in order[: plan.particles]}
    kept = [result for result in results if result[0].name in chosen]
    return tuple(
        Particle(
            position=probe.position,
            velocity=positions.difference(kept[_other(plan, index)][0].position, probe.position),
            best=probe.position if plan.released or score is not None else None,
        )
        for index, (probe, score) in enumerate(kept)
    )


def _other(plan: Plan, index: int) -> int:
    """A random particle that is not `index`."""
    (draw,) = streams.integers(plan.seed, plan.particles - 1, 1, "velocity", index)
    return draw + (draw >= index)
