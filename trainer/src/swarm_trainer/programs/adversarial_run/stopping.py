"""Decides whether a game ends after a commit, and why. The rules apply once both sides have moved."""

from swarm_core.commit import Commit
from swarm_core.engine.receipt_fields import StopReason
from swarm_core.optimizers import optimization, optimizer
from swarm_core.optimizers.optimizer import SearchState
from swarm_core.programs.adversarial_run.resolved import find_game
from swarm_core.swarm_names import TAKERS
from swarm_trainer.run_store import commit_chain
from swarm_trainer.runtime.context import Context


def find_reason(context: Context, done: Commit, swarm: SearchState) -> str:
    """Return the rule that ends the game with `done`, whose swarm is `swarm`; empty if the game continues.

    Raises StoreError.
    """
    game = find_game(context.resolved)
    assert game is not None
    if done.swarm_name != TAKERS:  # Reference: generators out of patience end the game before takers move
        return str(StopReason.PATIENCE) if game.reference and is_out_of_patience(swarm) else ""
    generators = optimization.from_json(commit_chain.load_existing(context.store, done.iteration - 1).swarm)
    taker, generator = optimization.best(swarm), optimization.best(generators)
    if is_out_of_patience(swarm) or is_out_of_patience(generators):
        return str(StopReason.PATIENCE)
    if game.stop.mastered is not None and taker and taker.value >= game.stop.mastered:
        return str(StopReason.MASTERED)
    if game.stop.unanswered is not None and generator and generator.value >= game.stop.unanswered:
        return str(StopReason.UNANSWERED)
    return str(StopReason.ITERATIONS) if done.iteration // 2 >= game.rounds else ""


def is_out_of_patience(swarm: SearchState) -> bool:
    """Return whether the swarm has stopped because its best value no longer improved."""
    return optimization.stop_reason(swarm) is optimizer.Stop.PATIENCE
