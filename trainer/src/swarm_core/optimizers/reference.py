"""The differences between the released code of Data Swarms and its rule, one by one, for `compat: Reference`.

B1  The step length decays once per particle, inside the loop over particles.
B2  restart_patience, a ratio, is used as an index into a particle's scores: 0.67 compares the latest with the first.
    After a restart a particle rests three moves. So the first move restarts everyone, and the random velocity is lost.
B3  Until something is scored, the best and the worst are copies of particles drawn at random, and a particle's best is
    a copy of itself. With the first scores they are overwritten.
B4  Bests are never measured again. The rule has it so as well: see `memory`.
B5  Patience looks back patience - 1 measurements, in a history that must be longer than patience.

Limits: two particles at one position are measured once, and an iteration without scores ages nothing, as everywhere
here; the released code has neither case. It moves as many particles as there are initial adapters: more or fewer are
ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from swarm_core import streams
from swarm_core.optimizers.candidate import Candidate, Result
from swarm_core.optimizers.optimizer import Plan, SearchState
from swarm_core.optimizers.particle_swarm import Particle
from swarm_core.optimizers.positions import Position

COOLDOWN = 3
"""Moves after a restart in which a particle cannot restart again."""


@dataclass(frozen=True, slots=True)
class ScoreHistory:
    """The scores that decide about restarts of one particle."""

    first: float
    """The particle's first score."""
    latest: float
    """Its latest score."""
    count: int
    """How many scores it has had; at least one."""
    cooldown: int = 0
    """Moves in which it cannot restart."""


@dataclass(frozen=True, slots=True)
class PublishedParticle(Particle):
    """A particle of rule Published."""

    history: ScoreHistory | None = None
    """Kept with compat Reference alone, once something was scored."""


def record_scores(particles: Sequence[PublishedParticle], results: tuple[Result, ...]) -> tuple[PublishedParticle, ...]:
    """Return the particles with one more score in the history of each whose position was scored."""
    scores = {candidate.position: score for candidate, score in results if score is not None}
    return tuple(record_score(one, scores[one.position]) if one.position in scores else one for one in particles)


def record_score(particle: PublishedParticle, score: float) -> PublishedParticle:
    """`particle` after one more score of its position."""
    history = particle.history
    if history is None:
        return replace(particle, history=ScoreHistory(score, score, 1))
    return replace(particle, history=replace(history, latest=score, count=history.count + 1))


def restart_if_due(particle: PublishedParticle, restart_patience: float) -> PublishedParticle:
    """B2: at its best and at rest if its latest score is no better than the one compared with; else cooled by a move.

    The index int(restart_patience) counts from the latest score, 1; but 0 is the first score.
    """
    history = particle.history
    if history is None or particle.best is None:
        return particle
    compared = history.first if int(restart_patience) == 0 else history.latest
    if history.count > restart_patience and history.latest <= compared and history.cooldown == 0:
        still = (0.0,) * len(particle.velocity)
        return replace(particle, position=particle.best, velocity=still, history=replace(history, cooldown=COOLDOWN))
    return replace(particle, history=replace(history, cooldown=max(0, history.cooldown - 1)))


def count_decays(plan: Plan, iteration: int, index: int) -> int:
    """B1: how often lambda has decayed before particle `index` moves to `iteration`: once for each before it."""
    return (iteration - 1) * plan.particles + index


def draw_substitute(plan: Plan, start: Sequence[Candidate], role: str) -> Position:
    """B3: the particle of the `start` that stands for the "best" or "worst" while nothing is scored, drawn by role."""
    (drawn,) = streams.integers(plan.seed, plan.particles, 1, "copy", role)
    return start[drawn].position


def out_of_patience(state: SearchState) -> bool:
    """B5: whether the search gives up. `state.iteration` measurements have been made, the start among them."""
    return state.iteration > state.plan.patience and state.stale >= state.plan.patience - 1
