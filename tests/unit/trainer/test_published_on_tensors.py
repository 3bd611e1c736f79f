"""The Published rule on coefficients is the rule on whole tensors: against a plain transcription of both its forms.

The transcription keeps every adapter, velocity and best as float32 tensors, and its counters as the released code does:
a step length that is multiplied where it decays, a history of scores per particle, a countdown after a restart.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
import torch
from torch import Tensor

from swarm_core import streams
from swarm_core.optimizers import optimization, particle_swarm
from swarm_core.optimizers.optimizer import Plan, Stop
from swarm_core.optimizers.positions import Position
from swarm_core.optimizers.published import Compat, Published

SEED, ADAPTERS, PATIENCE = 23, 4, 10
RULE = Published(inertia=0.3, cognitive=0.4, social=0.5, repel=0.1, step_length=0.9)
ROUNDING = 1e-5
"""Of float32, over 20 updates of entries of size 1 to 10, in another order on either side."""
Draw = Callable[[int, int, str], float]
Weights = dict[str, Tensor]
"""An adapter: its A [r, k] and B [m, r]."""


def adapter(seed: int) -> Weights:
    generator = torch.Generator().manual_seed(seed)
    return {"A": torch.randn(3, 8, generator=generator), "B": torch.randn(6, 3, generator=generator)}


def weighted(*terms: tuple[float, Weights]) -> Weights:
    return {name: sum(factor * weights[name] for factor, weights in terms) for name in ("A", "B")}  # type: ignore[misc]


@dataclass
class Member:
    """One particle of the transcription."""

    now: Weights
    velocity: Weights
    own: Weights
    scores: list[float] = field(default_factory=list)
    own_at: int = 0
    """The measurement, from 0, that found `own`."""
    countdown: int = 0
    restarts: int = 0


@dataclass
class Plain:
    """The rule, updated in place: `update` takes the scores of where all members are, and moves them."""

    members: list[Member]
    reference: bool
    draw: Draw
    step: float = RULE.step_length
    best: tuple[float, Weights] | None = None
    worst: tuple[float, Weights] | None = None
    bests: list[float] = field(default_factory=list)
    """The best score so far, after each measurement."""

    def update(self, scores: list[float]) -> bool:
        """Whether the search is over."""
        for member, score in zip(self.members, scores, strict=True):
            if not member.scores or score > max(member.scores):
                member.own, member.own_at = member.now, len(member.scores)
            member.scores.append(score)
            if self.best is None or score > self.best[0]:
                self.best = score, member.now
            if self.worst is None or score < self.worst[0]:
                self.worst = score, member.now
        assert self.best is not None
        self.bests.append(self.best[0])
        if self.over():
            return True
        for index, member in enumerate(self.members):
            self.move(index, member)
        if not self.reference:
            self.decay()
        return False

    def over(self) -> bool:
        if self.reference:
            return len(self.bests) > PATIENCE and self.bests[-1] <= self.bests[-PATIENCE]
        return len(self.bests) > PATIENCE and self.bests[-1] <= self.bests[-PATIENCE - 1]

    def decay(self) -> None:
        self.step = max(RULE.step_floor, self.step * RULE.step_factor)

    def strays(self, member: Member) -> bool:
        if not self.reference:
            return len(member.scores) - 1 - member.own_at >= RULE.restart_patience * PATIENCE
        place = -int(RULE.restart_patience)
        stray = member.scores[-1] <= member.scores[place] and member.countdown == 0
        member.countdown = 3 if stray else max(0, member.countdown - 1)
        return stray

    def move(self, index: int, member: Member) -> None:
        if self.strays(member):
            member.now, member.velocity = member.own, weighted((0.0, member.now))
            member.restarts += 1
        assert self.best is not None
        assert self.worst is not None
        weights = [
            getattr(RULE, name) * self.draw(len(self.bests), index, name)
            for name in ("inertia", "cognitive", "social", "repel")
        ]
        inertia, cognitive, social, repel = (weight / sum(weights) for weight in weights)
        member.velocity = weighted(
            (inertia, member.velocity),
            (cognitive, weighted((1.0, member.own), (-1.0, member.now))),
            (social, weighted((1.0, self.best[1]), (-1.0, member.now))),
            (repel, weighted((1.0, member.now), (-1.0, self.worst[1]))),
        )
        member.now = weighted((1.0, member.now), (self.step, member.velocity))
        if self.reference:
            self.decay()


def score(iteration: int, index: int) -> float:
    """Particle 0 rises for ever, so the search goes on; the others are now better, now worse than they were."""
    return 1.0 + iteration if index == 0 else streams.uniform(SEED, "score", iteration, index)


def materialised(basis: list[Weights], place: Position) -> Weights:
    return weighted(*zip(place, basis, strict=True))


def transcription(basis: list[Weights], plan: Plan) -> Plain:
    """Each member on an adapter, with the velocity towards another that `plan` draws for it."""
    first = particle_swarm.initial_particles(
        plan, tuple((candidate, 0.0) for candidate in optimization.ask(optimization.start(plan)))
    )
    velocities = [weighted((1.0, basis[p.velocity.index(1.0)]), (-1.0, basis[p.velocity.index(-1.0)])) for p in first]
    members = [Member(own, velocity, own) for own, velocity in zip(basis, velocities, strict=True)]
    return Plain(
        members,
        plan.optimizer.compat is Compat.REFERENCE,
        lambda update, index, name: streams.uniform(SEED, "move", update, index, name),
    )


@pytest.mark.parametrize("compat", list(Compat))
def test_coefficients_materialised_are_the_tensors_of_the_rule_for_twenty_iterations(compat: Compat) -> None:
    basis = [adapter(seed) for seed in range(ADAPTERS)]
    plan = Plan(ADAPTERS, ADAPTERS, 20, PATIENCE, SEED, replace(RULE, compat=compat))
    swarm, plain = optimization.start(plan), transcription(basis, plan)
    for iteration in range(21):
        scores = [score(iteration, index) for index in range(ADAPTERS)]
        swarm = optimization.tell(
            swarm, dict(zip((candidate.name for candidate in optimization.ask(swarm)), scores, strict=True))
        )
        assert plain.update(scores) is False
        for particle, member in zip(swarm.particles, plain.members, strict=True):
            for ours, theirs in ((particle.position, member.now), (particle.velocity, member.velocity)):
                for name, tensor in materialised(basis, ours).items():
                    torch.testing.assert_close(tensor, theirs[name], rtol=0, atol=ROUNDING)
    assert sum(member.restarts for member in plain.members) >= 3


@pytest.mark.parametrize("compat", list(Compat))
@pytest.mark.parametrize("improves_at", [0, 1, 2, 5, 9, 10, 11, 14])
def test_both_give_up_after_the_same_measurement(compat: Compat, improves_at: int) -> None:
    basis = [adapter(seed) for seed in range(ADAPTERS)]
    plan = Plan(ADAPTERS, ADAPTERS, 40, PATIENCE, SEED, replace(RULE, compat=compat))
    swarm, plain, over = optimization.start(plan), transcription(basis, plan), False
    while not over:
        assert optimization.stop_reason(swarm) is None
        lead = 2.0 if swarm.iteration == improves_at else 0.0
        scores = [lead + streams.uniform(SEED, "low", index) for index in range(ADAPTERS)]
        swarm = optimization.tell(
            swarm, dict(zip((candidate.name for candidate in optimization.ask(swarm)), scores, strict=True))
        )
        over = plain.update(scores)
    assert optimization.stop_reason(swarm) is Stop.PATIENCE
