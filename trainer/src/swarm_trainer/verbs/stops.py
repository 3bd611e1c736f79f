"""Why a run's search is over after a commit, if it is. In a game the question is put when both sides have moved."""

from swarm_core.commit import Commit
from swarm_core.engine.receipts import Stop
from swarm_core.sides import TAKERS
from swarm_core.swarm import pso
from swarm_trainer.verbs import chain
from swarm_trainer.verbs.context import Context


def stopped(context: Context, done: Commit, swarm: pso.Swarm) -> str:
    """The rule that ends the search with `done`, after which the swarm is `swarm`; empty while it goes on."""
    game = context.resolved.game
    if game is None:
        return str(pso.stopped(swarm) or "")
    if done.moved != TAKERS:  # as released, generators out of patience end the game before takers move
        return str(Stop.PATIENCE) if game.reference and impatient(swarm) else ""
    generators = pso.from_json(chain.standing(context.store, done.iteration - 1).swarm)
    taker, generator = pso.best(swarm), pso.best(generators)
    if impatient(swarm) or impatient(generators):
        return str(Stop.PATIENCE)
    if game.stop.mastered is not None and taker and taker.value >= game.stop.mastered:
        return str(Stop.MASTERED)
    if game.stop.unanswered is not None and generator and generator.value >= game.stop.unanswered:
        return str(Stop.UNANSWERED)
    return str(Stop.ITERATIONS) if done.iteration // 2 >= game.rounds else ""


def impatient(swarm: pso.Swarm) -> bool:
    return pso.stopped(swarm) is pso.Stop.PATIENCE
