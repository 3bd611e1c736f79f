"""The differences between the released code of Data Swarms and its rule, one by one, for `compat: Reference`.

B1  The step length decays once per particle, because the decay is inside the loop over particles.
B2  restart_patience is a ratio, but the code uses it as an index into a particle's scores: 0.67 compares the latest
    score with the first. After a restart a particle cannot restart for three moves. So the first move restarts every
    particle, and the random velocity is lost.
B3  Before the first score, the best and the worst are copies of random particles, and a particle's best is a copy of
    itself. The first scores overwrite them.
B4  Bests are never measured again. This is also true of the rule: see `memory`.
B5  Patience compares with patience - 1 measurements ago, in a history that must be longer than patience.

Limits: two particles at one position are measured once, and an iteration without scores ages nothing, as in every
rule of this package. The released code has neither case. It moves exactly one particle per initial adapter; this module
also moves more or fewer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from swarm_core import streams
from swarm_core.optimizers.candidate import Candidate, Result
from swarm_core.optimizers.optimizer import Plan, SearchState
from swarm_core.optimizers.particle_swarm import Particle
from swarm_core.optimizers.positions import Position

COOLDOWN = 3
"""The number of moves after a restart in which a particle cannot restart again."""


@dataclass(frozen=True, slots=True)
class ScoreHistory:
    """The scores that decide about restarts of one particle."""

    first: float
    """The particle's first score."""
    latest: float
    """The particle's latest score."""
    count: int
    """The number of its scores, at least 1."""
    cooldown: int = 0
    """The number of moves in which it cannot restart."""


@dataclass(frozen=True, slots=True)
class PublishedParticle(Particle):
    """A particle of rule Published."""

    history: ScoreHistory | None = None
    """None without compat Reference, and before the first score."""


def record_scores(particles: Sequence[PublishedParticle], results: tuple[Result, ...]) -> tuple[PublishedParticle, ...]:
    """Return the particles. If the position of a particle was scored, its history has that score too."""
    scores = {candidate.position: score for candidate, score in results if score is not None}
    return tuple(record_score(one, scores[one.position]) if one.position in scores else one for one in particles)


def record_score(particle: PublishedParticle, score: float) -> PublishedParticle:
    """Return `particle` after one more score of its position."""
    history = particle.history
    if history is None:
        return replace(particle, history=ScoreHistory(score, score, 1))
    return replace(particle, history=replace(history, latest=score, count=history.count + 1))


def restart_if_due(particle: PublishedParticle, restart_patience: float) -> PublishedParticle:
    """Return the particle after (B2): at its best and at rest if its latest score is not above the score at the index.

    Otherwise its cooldown is one move shorter. Index int(restart_patience) is 0 for the first score and 1 for the
    latest.
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
    """Return the number of decays of lambda before particle `index` moves to `iteration`: one per earlier move (B1)."""
    return (iteration - 1) * plan.particles + index


def draw_substitute(plan: Plan, start: Sequence[Candidate], role: str) -> Position:
    """Return a random initial position in place of the "best" or "worst" (the `role`) before the first score (B3)."""
    (drawn,) = streams.integers(plan.seed, plan.particles, 1, "copy", role)
    return start[drawn].position


def out_of_patience(state: SearchState) -> bool:
    """Return whether the search gives up (B5). `state.iteration` counts the measurements, with that of iteration 0."""
    return state.iteration > state.plan.patience and state.stale >= state.plan.patience - 1
