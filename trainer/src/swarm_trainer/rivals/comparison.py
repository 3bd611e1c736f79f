"""Compares the best generator of a search with the rivals of the spec, each on final items and by one verdict.

The rivals come after the result: they change neither the choice nor the gain. A rival that cannot be measured is listed
with its reason. An outage, or a budget of calls that is used up, ends the step as it does anywhere, and the next
attempt goes on from what is stored.
"""

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any

from swarm_core import commit
from swarm_core.api import parts
from swarm_core.api.resolved import PartUse, ResolvedSpec
from swarm_core.commit import Commit
from swarm_core.engine.work import WorkItem
from swarm_core.errors import BadInputError
from swarm_core.objectives.scores import CoverageError
from swarm_core.optimizers import optimization
from swarm_core.rivals.rival import SearchCost
from swarm_core.rollout import Rollout, Unmeasured
from swarm_trainer.evaluation import final_evaluation
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.report.rivals_report import MeasuredRival, RivalsReport, UnmeasuredRival
from swarm_trainer.report.search_result import Interval, SearchResult
from swarm_trainer.rivals.rival_context import FinalData, RivalContext, RivalError
from swarm_trainer.runtime.context import Context

CarryOut = Callable[[Any, RivalContext], FinalData]
"""The half of a rival that uses models."""


def compare(
    item: WorkItem, context: Context, setup: SearchSetup, commits: Sequence[Commit], found: SearchResult
) -> RivalsReport | None:
    """Measure the rivals of the spec; None if it lists none. Raises BadInputError, InferenceError, StoreError."""
    uses = parts.list_rivals(setup.resolved)
    if not uses:
        return None
    start = setup.evaluator.summarize(commits[0].candidates)
    searched = SearchCost.sum(final_evaluation.load_search_rollouts(context, commits))
    budget = searched + SearchCost.sum(load_choice_rollouts(context, setup, commits[-1]))
    rivals = [RivalContext(use.part.name, item, context, setup, found, start, budget, searched) for use in uses]
    return RivalsReport(tuple(map(measure_rival, uses, rivals)), budget)


def check(resolved: ResolvedSpec) -> None:
    """Check that both halves of every rival of the spec are installed here. Raises BadInputError, naming the field."""
    for use in parts.list_rivals(resolved):
        load_carry_out(use, parts.build_spec_part(use))


def load_choice_rollouts(context: Context, setup: SearchSetup, last: Commit) -> Iterable[Rollout]:
    """Load every stored rollout of the final choice of a search. `last`: the last commit of the search."""
    swarm = optimization.from_json(last.swarm)
    finalists = optimization.select_finalists(swarm, setup.resolved.evaluation.finalists)
    for candidate in final_evaluation.list_choice(finalists, swarm):
        data = context.store.read(commit.rollout_key("choice", candidate.name))
        if data is not None:
            yield Rollout.from_bytes(data)


def load_carry_out(use: PartUse, rival: Any) -> CarryOut:
    """Return the half of a rival that uses models. Raises BadInputError, which names the field, if there is none."""
    module, _, name = str(rival.trainer).partition(":")
    try:
        found: CarryOut = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise BadInputError(
            f"{use.field}: rival {use.part} names {rival.trainer!r} as its half that uses models, which cannot be"
            f" imported ({error}); correct the rival, or remove it"
        ) from error
    return found


def measure_rival(use: PartUse, rival_context: RivalContext) -> MeasuredRival | UnmeasuredRival:
    """Carry out one rival, and compare the best generator with it."""
    rival = parts.build_spec_part(use)
    try:
        data = load_carry_out(use, rival)(rival, rival_context)
        fresh_or_reason = judge_data(rival_context, data)
    except (RivalError, CoverageError) as error:
        fresh_or_reason = Unmeasured(str(error))
    if isinstance(fresh_or_reason, Unmeasured):
        return UnmeasuredRival(rival_context.name, fresh_or_reason, rival_context.spent)
    return fresh_or_reason


def judge_data(rival: RivalContext, data: FinalData) -> MeasuredRival | Unmeasured:
    """Return the value of a rival's data, and the difference of the best generator to it. Raises CoverageError."""
    evaluator, best = rival.setup.evaluator, rival.found.best
    values = evaluator.measure(data.rollouts, "final", rival.name)
    fresh = evaluator.measure_fitness(data.rollouts, values, rival.start, "final", rival.name)
    if isinstance(fresh, Unmeasured):
        return fresh
    gain = (
        Interval(0.0, 0.0, 0.0)
        if data.rollouts == best.rollouts
        else evaluator.difference(best.rollouts, data.rollouts, evaluator.find_reported(rival.start))
    )
    return MeasuredRival(rival.name, data.model, fresh, gain, rival.spent)
