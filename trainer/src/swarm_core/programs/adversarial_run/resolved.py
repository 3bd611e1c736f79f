"""A resolved AdversarialRun: a search for generators whose takers are a second swarm."""

from swarm_core import streams
from swarm_core.api.resolved import ResolvedBlock, ResolvedGenerators, ResolvedRun, ResolvedSpec, ResolvedSwarm
from swarm_core.api.swarm import PublishedSpec, StandardSpec
from swarm_core.programs.adversarial_run.game import Opponents, PoolSpec, RoundTraining, StopSpec
from swarm_core.swarm_names import GENERATORS, RIVALS, TAKERS


class ResolvedSide(ResolvedBlock):
    """The movement of one side of a game."""

    swarm: ResolvedSwarm
    rule: StandardSpec | PublishedSpec


class ResolvedGame(ResolvedBlock):
    """The settings of a game: the takers, the movement of both sides, the pool and the limits."""

    rounds: int
    takers: ResolvedGenerators
    sides: tuple[ResolvedSide, ResolvedSide]
    """The side of the generators and the side of the takers."""
    reference: bool
    """Whether new items of the pool come from the generators after their move, as in the released code."""
    opponents: Opponents
    train: RoundTraining | None
    pool: PoolSpec
    stop: StopSpec


class ResolvedAdversarialRun(ResolvedSpec):
    """The generators' search, and the settings of the game."""

    game: ResolvedGame

    @property
    def swarms(self) -> tuple[str, ...]:
        """The swarms that move, in the order of their turns."""
        return (GENERATORS, TAKERS)

    @property
    def max_live_candidates(self) -> int:
        """The maximum number of candidates in one step.

        The final evaluation asks the best takers of all rounds and the initial takers together.
        """
        _, theirs = self.game.sides
        most = max(4 * theirs.swarm.particles, self.game.rounds + self.game.takers.count + 2)
        return max(super().max_live_candidates, most)

    @property
    def has_local_takers(self) -> bool:
        """Whether the run serves any taker itself; always true, because the run serves the takers that move."""
        return True

    def for_swarm(self, swarm: str) -> ResolvedSpec:
        """Return the search of one of the swarms, in which that swarm is the generators and has its own seed.

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
    """Return the game of a run; None if the run is of another kind."""
    return resolved.game if isinstance(resolved, ResolvedAdversarialRun) else None
