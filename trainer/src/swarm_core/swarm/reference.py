"""Where the released code of Data Swarms departs from its rule, fault by fault, for `compat: Reference`.

B1  The step length decays once per particle, inside the loop over particles.
B2  restart_patience, a ratio, is used as an index into a particle's scores: 0.67 compares the latest with the first.
    After a restart a particle rests three moves. So the first move restarts everyone, and the random velocity is lost.
B3  Until something is scored, the best and the worst are copies of particles drawn at random, and a particle's best is
    a copy of itself. With the first scores they are overwritten.
B4  Bests are never measured again. The rule has it so as well: see `memory`.
B5  Patience looks back patience - 1 measurements, in a history that must be longer than patience.

Limits: two particles at one place are measured once, and an iteration without scores ages nothing, as everywhere here;
the released code has neither case. It moves as many particles as there are initial adapters: more or fewer are ours.
"""

from dataclasses import replace

from swarm_core.swarm import schedule, start, streams
from swarm_core.swarm.plan import Plan, Published
from swarm_core.swarm.positions import Position
from swarm_core.swarm.state import Particle, Swarm, Trace

REST = 3
"""Moves after a restart in which a particle cannot restart again."""


def heard(particle: Particle, score: float) -> Particle:
    """`particle` after one more score of where it stands."""
    trace = particle.trace
    if trace is None:
        return replace(particle, trace=Trace(score, score, 1))
    return replace(particle, trace=replace(trace, latest=score, count=trace.count + 1))


def restarted(rule: Published, particle: Particle) -> Particle:
    """B2: at its best and at rest if its latest score is no better than the one compared with; else rested by a move.

    The index int(restart_patience) counts from the latest score, 1; but 0 is the first score.
    """
    trace = particle.trace
    if trace is None or particle.best is None:
        return particle
    compared = trace.first if int(rule.restart_patience) == 0 else trace.latest
    if trace.count > rule.restart_patience and trace.latest <= compared and trace.rest == 0:
        still = (0.0,) * len(particle.velocity)
        return replace(particle, position=particle.best, velocity=still, trace=replace(trace, rest=REST))
    return replace(particle, trace=replace(trace, rest=max(0, trace.rest - 1)))


def step_length(rule: Published, plan: Plan, iteration: int, index: int) -> float:
    """B1: lambda of particle `index` in the move that leads to `iteration`; the particles before it have decayed it."""
    return schedule.decayed(rule, (iteration - 1) * plan.particles + index)


def copy(plan: Plan, role: str) -> Position:
    """B3: the particle that stands for the "best" or the "worst" while nothing is scored, drawn for that role."""
    (drawn,) = streams.integers(plan.seed, plan.particles, 1, "copy", role)
    return start.probes(plan)[drawn].position


def impatient(swarm: Swarm) -> bool:
    """B5: whether the search gives up. `swarm.iteration` measurements have been made, the start among them."""
    return swarm.iteration > swarm.plan.patience and swarm.stale >= swarm.plan.patience - 1
