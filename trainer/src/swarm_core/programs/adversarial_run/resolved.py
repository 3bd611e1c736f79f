"""An AdversarialRun with every choice made: a search for generators whose takers are a second swarm."""

from swarm_core import streams
from swarm_core.api.resolved import ResolvedBlock, ResolvedGenerators, ResolvedRun, ResolvedSpec, ResolvedSwarm
from swarm_core.api.swarm import PublishedSpec, StandardSpec
from swarm_core.programs.adversarial_run.game import Opponents, PoolSpec, RoundTraining, StopSpec
from swarm_core.swarm_names import GENERATORS, RIVALS, TAKERS


class ResolvedSide(ResolvedBlock):
    """How one side of a game moves."""

    swarm: ResolvedSwarm
    rule: StandardSpec | PublishedSpec


class ResolvedGame(ResolvedBlock):
    """The takers that move against the generators, and how the game is played."""

    rounds: int
    takers: ResolvedGenerators
    sides: tuple[ResolvedSide, ResolvedSide]
    """Of the generators and of the takers."""
    reference: bool
    """Whether the pool's new items are drawn as the released code draws them: from the generators after their move."""
    opponents: Opponents
    train: RoundTraining | None
    pool: PoolSpec
    stop: StopSpec


class ResolvedAdversarialRun(ResolvedSpec):
    """The generators' search, and the game around it."""

    game: ResolvedGame

    @property
    def swarms(self) -> tuple[str, ...]:
        """The swarms that move, in the order of their turns."""
        return (GENERATORS, TAKERS)

    @property
    def max_live_candidates(self) -> int:
        """The most candidates that are asked about in one step: in the end, the best takers of all rounds answer beside
        the initial ones.
        """
        _, theirs = self.game.sides
        most = max(4 * theirs.swarm.particles, self.game.rounds + self.game.takers.count + 2)
        return max(super().max_live_candidates, most)

    @property
    def has_local_takers(self) -> bool:
        """Those that move are the run's own."""
        return True

    def for_swarm(self, swarm: str) -> ResolvedSpec:
        """The run as one of its swarms sees it: as if that swarm were the generators, with a seed of its own.

        Rivals are the generators with another seed.
        """
        if swarm == GENERATORS:
            return self
        seed = streams.derive_seed(self.seed, swarm)
        if swarm == RIVALS:
            return self.model_copy(update={"seed": seed})
        _, theirs = self.game.sides
        own = {"generators": self.game.takers, "swarm": theirs.swarm, "rule": theirs.rule}
        return self.model_copy(update={"seed": seed, **own})


def find_game(resolved: ResolvedRun) -> ResolvedGame | None:
    """The game of a run; None for a run of another kind."""
    return resolved.game if isinstance(resolved, ResolvedAdversarialRun) else None
