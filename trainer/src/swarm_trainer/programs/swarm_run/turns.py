"""The turns of a SwarmRun: one swarm, one turn per iteration, and takers that never change."""

from swarm_core.commit import Commit, MeasuredCandidate
from swarm_core.engine.work import WorkItem
from swarm_core.optimizers import optimization
from swarm_core.optimizers.optimizer import SearchState
from swarm_trainer.evaluation import reference_set, search_setup, turn
from swarm_trainer.evaluation.turn import Turn
from swarm_trainer.runtime.context import Context


class SingleSwarmTurns:
    """Implements `TurnRules`: iteration t is commit t."""

    def chain_index(self, swarm: str, iteration: int) -> int:
        return iteration

    def load(self, context: Context, index: int) -> Turn:
        setup = reference_set.attach(context.store, search_setup.load(context))
        first = turn.load_first(context, setup, index, 0)
        return Turn(setup, index, turn.load_swarm(context, setup, index - 1), first=first)

    def before(self, item: WorkItem, context: Context) -> None:
        """Do nothing: a turn depends on the commit before it alone."""

    def after(self, item: WorkItem, context: Context, turn: Turn, swarm: SearchState) -> tuple[MeasuredCandidate, ...]:
        return ()

    def held_out_key(self, index: int, name: str) -> str:
        raise LookupError(f"a SwarmRun measures nothing on held-out data, and commit {index} names {name!r}")

    def stop_reason(self, context: Context, done: Commit, swarm: SearchState) -> str:
        return str(optimization.stop_reason(swarm) or "")


TURNS = SingleSwarmTurns()
