"""Particle swarm optimisation by ask and tell, over a value; and its rivals, random search and CMA-ES, likewise.

    swarm = pso.start(plan)
    while pso.stopped(swarm) is None:
        swarm = pso.tell(swarm, {probe.name: measure(probe.position) for probe in pso.ask(swarm)})

A particle is a handful of coefficients over the initial adapters, so a step is a few hundred floating-point operations
and the state a few kilobytes. Iteration 0 measures where the particles may begin; every later one what they moved to.

Invariants: given the scores, the swarm is the same bit for bit, on any machine and in any order of telling; a missing
score (None) changes no best. Limits: scores are to be maximised; only rule Standard has coefficients per layer.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from swarm_core.swarm import codec, effort, evolve, memory, positions, published, reference, scatter, standard, state
from swarm_core.swarm import start as starts
from swarm_core.swarm.plan import CmaEs, Compat, Plan, Published, RandomSearch, Rule, Standard
from swarm_core.swarm.positions import Position
from swarm_core.swarm.state import Candidate, Measured, Probe, Purpose, Result, Stop, Swarm

__all__ = [
    "Candidate", "CmaEs", "Compat", "Plan", "Probe", "Published", "Purpose", "RandomSearch", "Rule", "Standard", "Stop",
    "Swarm", "ask", "best", "budget", "finalists", "from_json", "initial_best", "iterations", "start", "stopped",
    "tell", "to_json",
]  # fmt: skip


def start(plan: Plan) -> Swarm:
    """The swarm before iteration 0: nothing measured, no particles yet."""
    return Swarm(plan)


def ask(swarm: Swarm) -> tuple[Probe, ...]:
    """What to measure in `swarm.iteration`: the start, or every particle and the leading positions in doubt.

    No position is asked twice. Two particles at one place (the bounds can bring them there) are one probe, named after
    the first: measured with common random numbers, they would be one measurement counted as two.

    Says nothing of whether to go on: that is `stopped`.
    """
    if swarm.iteration == 0:
        return starts.probes(swarm.plan)
    places = _places(swarm)
    explored = tuple(
        Probe(f"p{index:02d}", place, Purpose.EXPLORE)
        for index, place in enumerate(places)
        if place not in places[:index]
    )
    if swarm.plan.rescored:
        return explored + tuple(
            Probe(f"b{n:02d}", position, Purpose.REMEASURE) for n, position in enumerate(memory.doubted(swarm))
        )
    match swarm.plan.rule:
        case Standard() as rule:
            doubted = enumerate(standard.doubted(rule, swarm))
            again = tuple(Probe(f"b{n:02d}", record.position, Purpose.REMEASURE) for n, record in doubted)
        case Published() | RandomSearch() | CmaEs():
            again = ()
        case _ as unreachable:
            assert_never(unreachable)
    return explored + again


def _places(swarm: Swarm) -> tuple[Position, ...]:
    """Where the particles stand, or what is drawn for this iteration where there are none."""
    match swarm.plan.rule:
        case Standard() | Published():
            return tuple(particle.position for particle in swarm.particles)
        case RandomSearch() as rule:
            return scatter.places(rule, swarm.plan, swarm.iteration, effort.drawn(swarm.plan, swarm.iteration))
        case CmaEs() as rule:
            return evolve.places(rule, swarm, effort.drawn(swarm.plan, swarm.iteration))
        case _ as unreachable:
            assert_never(unreachable)


def tell(swarm: Swarm, fitness: Mapping[str, float | None]) -> Swarm:
    """The swarm of the next iteration: the scores of every probe taken in, every particle moved, CMA-ES updated.

    `fitness` maps the name of each probe to its score, None if it has none. Raises ValueError, naming the probe, when
    one is absent, unknown or not finite.
    """
    results = _results(ask(swarm), fitness)
    learned = memory.absorb(swarm, results)
    arriving = replace(learned, iteration=learned.iteration + 1)
    match swarm.plan.rule:
        case Standard() as rule:
            moved = tuple(standard.moved(rule, arriving, index) for index in range(len(arriving.particles)))
            return replace(arriving, particles=moved)
        case Published() as rule:
            moved = tuple(published.moved(rule, arriving, index) for index in range(len(arriving.particles)))
            return replace(arriving, particles=moved)
        case RandomSearch():
            return arriving
        case CmaEs() as rule:
            return replace(arriving, evolution=evolve.told(rule, swarm, results))
        case _ as unreachable:
            assert_never(unreachable)


def _results(probes: tuple[Probe, ...], fitness: Mapping[str, float | None]) -> tuple[Result, ...]:
    """Every probe with its score, in the order asked, whatever the order of the mapping."""
    names = {probe.name for probe in probes}
    for name in sorted(names.symmetric_difference(fitness)):
        problem = "has no entry; tell None if it has no score" if name in names else "was not asked in this iteration"
        raise ValueError(f"probe {name} {problem}")
    for name, score in fitness.items():
        if score is not None and not math.isfinite(score):
            raise ValueError(f"score of probe {name} is {score!r}: a score is finite; tell None for a missing one")
    return tuple((probe, fitness[probe.name]) for probe in probes)


def stopped(swarm: Swarm) -> Stop | None:
    """Why the search is over, or None: all iterations measured, or `patience` of them without a better leader.

    A better leader is a position found in that iteration which then leads by its mean (see `memory`). The released code
    loses patience otherwise (see `reference`).
    """
    if swarm.iteration > effort.iterations(swarm.plan):
        return Stop.ITERATIONS
    impatient = reference.impatient(swarm) if swarm.plan.released else swarm.stale >= swarm.plan.patience
    if impatient:
        return Stop.PATIENCE
    return None


def best(swarm: Swarm) -> Candidate | None:
    """The global best, the highest mean of all positions remembered; None while nothing is scored."""
    found = state.leader(swarm)
    return None if found is None else _candidate(found)


def initial_best(swarm: Swarm) -> Candidate | None:
    """The initial generator with the highest mean; None while none is scored."""
    corners = positions.vertices(swarm.plan.basis, swarm.plan.groups)
    found = state.leading(record for record in swarm.measured if record.position in corners)
    return _candidate(found[0]) if found else None


def finalists(swarm: Swarm, count: int) -> tuple[Candidate, ...]:
    """At most `count` distinct positions to choose from on fresh data, best first by mean.

    The best initial generator is always one of them, in place of the last if need be. Raises ValueError below two: a
    final choice is between the best found and the best there was.
    """
    if count < 2:
        raise ValueError(f"count={count}: a final choice needs at least 2 finalists")
    ranked = [_candidate(record) for record in state.leading(swarm.measured)]
    baseline = initial_best(swarm)
    if baseline is None or baseline in ranked[:count]:
        return tuple(ranked[:count])
    return (*ranked[: count - 1], baseline)


def _candidate(record: Measured) -> Candidate:
    return Candidate(record.name, record.position, record.value, record.count)


def budget(plan: Plan) -> int:
    """How many probes a whole search asks at most: when patience does not end it and no two particles meet."""
    return effort.measurements(plan)


def iterations(plan: Plan) -> int:
    """How many iterations follow the start at most: more than `plan.iterations` where no particles move."""
    return effort.iterations(plan)


def to_json(swarm: Swarm) -> str:
    """`swarm` as the one JSON text of it; `from_json` gives back an equal swarm, every float bit for bit."""
    return codec.to_json(swarm)


def from_json(text: str) -> Swarm:
    """The swarm that `to_json` wrote. Raises ValueError when `text` is not one."""
    return codec.from_json(text)
