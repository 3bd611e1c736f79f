"""What a swarm learns from one iteration's scores: records, personal bests, the worst, and how stale it has become.

A missing score says nothing: it makes no record, beats nothing, loses to nothing and ages nothing.

The mean of all scores of a position is kept, so a lucky one sinks when it is measured again; only Published keeps the
highest and never doubts it. *Improvement* is, for all, that the leading position was found in this very iteration:
averaging may lower the leader, or hand the lead to an older position, and neither counts as progress.

Where the other side moves too, an old score was measured against what is no longer there. A plan that is `rescored`
knows of a position only what this iteration says; one with `decay` lets older scores fade; a plan with neither keeps
them, and follows a best that nothing can beat any more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from swarm_core.swarm import positions, reference, start, state
from swarm_core.swarm.plan import CmaEs, Plan, Published, RandomSearch, Standard
from swarm_core.swarm.positions import Position
from swarm_core.swarm.state import Measured, Particle, Probe, Purpose, Result, Swarm

Records = Mapping[Position, Measured]

KEPT = 16
"""Leading positions remembered beyond need: a good mean displaced by one lucky score must be found again when the lucky
one sinks, and a final choice among eight must find eight where there are fewer particles. A few kilobytes."""


def absorb(swarm: Swarm, results: tuple[Result, ...]) -> Swarm:
    """`swarm` with the scores of its present iteration taken in; nothing moves. Independent of their order."""
    records = _records(swarm, results)
    particles = _particles(swarm, results, records)
    learned = replace(swarm, particles=particles, measured=_kept(swarm.plan, particles, records))
    return replace(learned, worst=_worst(swarm, results), stale=_stale(learned, results))


def doubted(swarm: Swarm) -> list[Position]:
    """Every personal best and the leading position, each once, where no particle stands: what `rescored` asks again."""
    leader = state.leader(swarm)
    known = [particle.best for particle in swarm.particles] + [leader.position if leader else None]
    standing = {particle.position for particle in swarm.particles}
    return list(dict.fromkeys(best for best in known if best is not None and best not in standing))


def _particles(swarm: Swarm, results: tuple[Result, ...], records: Records) -> tuple[Particle, ...]:
    """The particles of the start, or those there are with what their scores say of them."""
    scores = {probe.position: score for probe, score in results if score is not None}
    if swarm.iteration == 0:
        particles = start.particles(swarm.plan, results) if swarm.plan.flies else ()
    else:
        particles = tuple(
            _settled(particle, records) if particle.position in scores else particle for particle in swarm.particles
        )
    if swarm.plan.released:
        return tuple(reference.heard(one, scores[one.position]) if one.position in scores else one for one in particles)
    return particles


def _records(swarm: Swarm, results: tuple[Result, ...]) -> dict[Position, Measured]:
    plan, known = swarm.plan, {record.position: record for record in swarm.measured}
    records = {} if plan.rescored else {place: _faded(record, plan.decay) for place, record in known.items()}
    for probe, score in results:
        if score is not None:
            before = known.get(probe.position) if plan.rescored else records.get(probe.position)
            records[probe.position] = _heard(swarm, before, probe, score)
    return records


def _faded(record: Measured, decay: float) -> Measured:
    return record if decay == 1.0 else replace(record, total=record.total * decay)


def _heard(swarm: Swarm, known: Measured | None, probe: Probe, score: float) -> Measured:
    """The record of a position after one more score of it."""
    name = probe.name if probe.purpose is Purpose.START else f"{probe.name}-{swarm.iteration:04d}"
    new = Measured(name, probe.position, score, 1, swarm.iteration)
    if swarm.plan.rescored:
        return new if known is None else replace(known, total=score, count=1)
    match swarm.plan.rule:
        case Standard() | RandomSearch() | CmaEs():
            return new if known is None else known.again(score)
        case Published():
            return new if known is None or score > known.value else known
        case _ as unreachable:
            assert_never(unreachable)


def _settled(particle: Particle, records: Records) -> Particle:
    """`particle` after its position was scored: at a new best if that is strictly better, else older by one."""
    best = None if particle.best is None else records.get(particle.best)
    if best is None or records[particle.position].value > best.value:
        return replace(particle, best=particle.position, stale=0)
    return replace(particle, stale=particle.stale + 1)


def _kept(plan: Plan, particles: Sequence[Particle], records: Records) -> tuple[Measured, ...]:
    """The records of the initial generators, of the personal bests and of the leading positions."""
    leading = state.leading(records.values())[:KEPT]
    needed = {*positions.vertices(plan.basis, plan.groups), *(particle.best for particle in particles)}
    needed |= {record.position for record in leading}
    return tuple(record for record in records.values() if record.position in needed)


def _worst(swarm: Swarm, results: tuple[Result, ...]) -> Measured | None:
    """The lowest single score ever, or of this iteration if `rescored`; the earliest of equals."""
    found = [Measured(p.name, p.position, score, 1, swarm.iteration) for p, score in results if score is not None]
    known = [] if swarm.worst is None or swarm.plan.rescored else [swarm.worst]
    return min(known + found, key=lambda record: record.value, default=None)


def _stale(learned: Swarm, results: tuple[Result, ...]) -> int:
    """The age of the lead in iterations; one that brought no score at all is no evidence against it."""
    if all(score is None for _, score in results):
        return learned.stale
    best = state.leader(learned)
    return 0 if best is not None and best.iteration == learned.iteration else learned.stale + 1
