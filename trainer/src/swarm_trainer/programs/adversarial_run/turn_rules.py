"""The turns of an AdversarialRun, as the steps and `verify` need them (`evaluation.trainer_program.TurnRules`)."""

from swarm_core.commit import Commit, MeasuredCandidate
from swarm_core.engine.work import WorkItem
from swarm_core.optimizers.optimizer import SearchState
from swarm_core.swarm_names import TAKERS
from swarm_trainer.evaluation.turn import Turn
from swarm_trainer.programs.adversarial_run import held_out_evaluation, stopping, turns
from swarm_trainer.runtime.context import Context


class AlternatingTurns:
    """Implements `TurnRules`: in round t the generators make commit 2t, and the takers make commit 2t + 1."""

    def chain_index(self, swarm: str, iteration: int) -> int:
        return turns.chain_index(swarm, iteration)

    def load(self, context: Context, index: int) -> Turn:
        return turns.load(context, index)

    def before(self, item: WorkItem, context: Context) -> None:
        if item.swarm == TAKERS:
            held_out_evaluation.generate_drafts(item, context)

    def after(self, item: WorkItem, context: Context, turn: Turn, swarm: SearchState) -> tuple[MeasuredCandidate, ...]:
        return held_out_evaluation.measure_best_taker(item, context, turn, swarm)

    def held_out_key(self, index: int, name: str) -> str:
        return held_out_evaluation.key(index, name)

    def stop_reason(self, context: Context, done: Commit, swarm: SearchState) -> str:
        return stopping.find_reason(context, done, swarm)


TURNS = AlternatingTurns()
