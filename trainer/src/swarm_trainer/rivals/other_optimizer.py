"""Carries out a search with another optimizer, within the budget of the run's own search.

The search starts like any other and makes the measurements that a run with this optimizer and this seed would make. It
has no limit of patience, because it may spend all that the run's search spent. The last measurements are left out if
they go over that. Then its finalists are measured again, in the same number and with as many items as those of the
search, as far as the budget goes, and the best of them writes the final items.

Limits: its positions have one block of coefficients for all layers, because only particles move layers together.
"""

from dataclasses import replace

from swarm_core.optimizers import optimization
from swarm_core.optimizers.optimizer import SearchState
from swarm_core.optimizers.positions import Position
from swarm_core.programs import search_settings
from swarm_core.rivals.other_optimizer import OtherOptimizer
from swarm_trainer.rivals.rival_context import FinalData, MeasurementRequest, RivalContext, RivalError
from swarm_trainer.runtime.search_space import SearchSpace


def carry_out(rival: OtherOptimizer, context: RivalContext) -> FinalData:
    """Have the generator that this optimizer finds write the final items. Raises RivalError if it finds none."""
    space = replace(context.setup.space, layers=None)
    found = search(rival, context, space)
    return context.write_final(space.recipe(choose(context, space, found)))


def search(rival: OtherOptimizer, context: RivalContext, space: SearchSpace) -> SearchState:
    """Return the state at the end of the search."""
    plan = replace(context.setup.plan, optimizer=rival.optimizer, groups=1)
    state = optimization.start(replace(plan, patience=optimization.iterations(plan) + 1))
    while optimization.stop_reason(state) is None:
        asked, stage = optimization.ask(state), ("iteration", state.iteration)
        folder, items = f"iterations/{state.iteration:04d}", context.setup.resolved.evaluation.items
        wanted = [MeasurementRequest(one.name, space.recipe(one.position), stage, folder, items) for one in asked]
        rollouts = context.measure(wanted, context.searched)
        pairs = zip(asked, rollouts, strict=True)
        state = optimization.tell(
            state,
            {one.name: None if found is None else context.compose([found], *stage, one.name) for one, found in pairs},
        )
        if None in rollouts:
            break
    return state


def choose(context: RivalContext, space: SearchSpace, state: SearchState) -> Position:
    """Return the finalist that new items rank first, as far as the budget goes. Ties keep the order of the search.

    Raises RivalError if the search has no finalist, or if too many scores of all are missing.
    """
    finalists = optimization.select_finalists(state, context.setup.resolved.evaluation.finalists)
    items = search_settings.items_per_finalist(context.setup.resolved)
    wanted = [
        MeasurementRequest(one.name, space.recipe(one.position), ("choice",), "choice", items) for one in finalists
    ]
    pairs = zip(finalists, context.measure(wanted), strict=True)
    measured = [(one, rollout) for one, rollout in pairs if rollout is not None]
    if finalists and not measured:
        return finalists[0].position
    ranked = [
        (fitness, one.position)
        for one, rollout in measured
        if (fitness := context.compose([rollout], "choice", one.name)) is not None
    ]
    if not ranked:
        raise RivalError(f"none of its {len(finalists)} finalists could be measured: too many scores are missing")
    return max(ranked, key=lambda pair: pair[0])[1]
