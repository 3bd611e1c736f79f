"""Runs one iteration: asks the swarm for candidates, examines each one, tells the swarm the values, and commits.

A killed iteration resumes: stored rollouts are read, missing ones are made, and a stored commit is the result. The
requests for a candidate depend on the run's seed and on the iteration alone.

If several swarms take turns, the iteration is the turn of one of them (`evaluation.trainer_program.TurnRules`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from swarm_core import acceptance, commit
from swarm_core.commit import Commit, MeasuredCandidate, MeasuredValues
from swarm_core.engine import receipt_fields
from swarm_core.engine.receipt_fields import Output, Scalar
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.errors import BadInputError, ErrorCode, add_code
from swarm_core.objectives.composed import SeveralObjectives
from swarm_core.optimizers import optimization
from swarm_core.optimizers.candidate import Candidate
from swarm_core.optimizers.positions import Position
from swarm_core.ports import Inference, StoreError
from swarm_core.rollout import Rollout, RolloutTotals, sum_totals
from swarm_core.usage import Usage
from swarm_trainer.evaluation import lanes, reference_set, rollout_store, search_setup, serving, trainer_program
from swarm_trainer.evaluation.rollout_store import RolloutRequest
from swarm_trainer.evaluation.turn import Turn
from swarm_trainer.run_store import commit_chain
from swarm_trainer.runtime.context import Context, Progress


def run(item: WorkItem, context: Context) -> Receipt:
    """Make the turn of `item`; return the receipt of its commit.

    Raises BadInputError, InferenceError, CorruptError, StoreError.
    """
    index = trainer_program.load_turns(context.resolved).chain_index(item.swarm, item.index)
    done = commit_chain.load(context.store, index)
    if done is None:
        check_parent(item, context, index)
        done = commit_chain.append(context.store, build_commit(item, context, index))
    else:
        commit_chain.advance_head(context.store, done)
    return build_receipt(item, context, done)


def check_parent(item: WorkItem, context: Context, index: int) -> None:
    """Check that the store holds the commit that the item follows.

    Raises CorruptError if it is another one, StoreError.
    """
    if index > 0 and commit_chain.load(context.store, index - 1, item.parent) is None:
        raise StoreError(
            f"iteration {index} follows {commit.key(index - 1)}, which the store does not hold; restore it"
        )


def build_commit(item: WorkItem, context: Context, index: int) -> Commit:
    """Examine every candidate and tell the swarm the measured values.

    Raises BadInputError if the first turn of the swarm counts for nothing.
    """
    rules = trainer_program.load_turns(context.resolved)
    rules.before(item, context)
    turn, engines = serve_turn(item, context, rules.load(context, index))
    setup, candidates = turn.setup, optimization.ask(turn.swarm)
    measured: list[MeasuredCandidate] = []
    rollouts: list[Rollout] = []
    results: tuple[MeasuredCandidate, ...] = ()
    for result, rollout in lanes.run_jobs(
        engines, [build_candidate_job(context, turn, candidate) for candidate in candidates]
    ):
        measured.append(result)
        rollouts.append(rollout)
        results = setup.evaluator.add_fitness(measured, turn.summarize_start(measured))
        context.progress(build_progress(item, results, len(candidates), rollout, context.record_usage()))
    check_start(turn, results, rollouts)
    swarm = optimization.tell(turn.swarm, setup.evaluator.list_fitness(results, turn.summarize_start(results)))
    assert item.parent is not None
    return Commit(
        experiment=setup.manifest,
        iteration=index,
        parent=item.parent,
        basis=setup.space.basis,
        swarm=optimization.to_json(swarm),
        candidates=results,
        swarm_name=turn.swarm_name,
        opponents=tuple(recipe.name for recipe in turn.opponents),
        pool=None if turn.pool is None else context.store.put(turn.pool.to_bytes()),
        held_out=setup.evaluator.add_fitness(rules.after(item, context, turn, swarm), turn.summarize_start(results)),
        reference=setup.reference,
        kind=context.run.kind,
    )


def check_start(turn: Turn, results: Sequence[MeasuredCandidate], rollouts: Sequence[Rollout]) -> None:
    """Check that the first turn of a swarm counts for something. Raises BadInputError with the reasons counted."""
    barren = acceptance.find_barren_start(results, rollouts) if turn.first is None else None
    if barren is not None:
        raise add_code(BadInputError(barren), ErrorCode.NOTHING_ACCEPTED)


def serve_turn(item: WorkItem, context: Context, turn: Turn) -> tuple[Turn, list[Inference]]:
    """Have the run's engines serve the models of a turn, and the takers answer the reference set if they have not yet.

    Raises BadInputError, InferenceError, CorruptError, StoreError.
    """
    recipes = [turn.setup.space.recipe(candidate.position) for candidate in optimization.ask(turn.swarm)]
    engines = serving.serve(context, turn.setup, recipes)
    if turn.setup.experiment.reference is not None and turn.setup.reference is None:
        context.progress(Progress(item.key, "asking the takers for the answers to the reference set"))
        turn = replace(turn, setup=reference_set.answer(context.store, turn.setup, engines[0]))
    return turn, engines


def build_candidate_job(
    context: Context, turn: Turn, candidate: Candidate
) -> lanes.EngineJob[tuple[MeasuredCandidate, Rollout]]:
    """Build the job of measuring one candidate. Its fitness is composed later, from the values of all candidates."""
    setup, model = turn.setup, turn.setup.space.recipe(candidate.position).name
    request = RolloutRequest(
        commit.candidate_key(turn.index, candidate.name), model, ("iteration", turn.index), turn.items
    )

    def job(engine: Inference) -> tuple[MeasuredCandidate, Rollout]:
        digest, rollout = rollout_store.load_or_create(context.store, setup.examination, engine, request, context.meter)
        values = setup.evaluator.measure([rollout], turn.index, candidate.name)
        return MeasuredCandidate(
            candidate.name, str(candidate.purpose), candidate.position, model, digest, values, None
        ), rollout

    return job


def build_progress(
    item: WorkItem, results: Sequence[MeasuredCandidate], total: int, rollout: Rollout, usage: Usage
) -> Progress:
    """Build the progress report after one more candidate."""
    return Progress(
        key=item.key,
        note=f"examined {results[-1].name}",
        done=len(results),
        total=total,
        tokens=rollout.tokens,
        fitness=tuple((candidate.name, candidate.fitness) for candidate in results),
        usage=usage,
    )


def build_receipt(item: WorkItem, context: Context, done: Commit) -> Receipt:
    """Build the receipt of a commit, with the scalars that the status and the stop rule need."""
    swarm = optimization.from_json(done.swarm)
    best = optimization.best(swarm)
    stored = (context.store.read(commit.candidate_key(done.iteration, p.name)) for p in done.candidates)
    counts = sum_totals(Rollout.from_bytes(data) for data in stored if data is not None)
    measured = [candidate.fitness for candidate in done.candidates if candidate.fitness is not None]
    return Receipt(
        key=item.key,
        outputs={Output.COMMIT: done.digest},
        scalars={
            Scalar.BEST: optimization.attained(swarm),
            Scalar.BEST_PARTICLE: best.name if best else None,
            Scalar.BEST_RECIPE: search_setup.find_recipe(context, done, best.position).name if best else None,
            Scalar.INITIAL: optimization.initial_attained(swarm),
            Scalar.MEAN: fmean(measured) if measured else None,
            Scalar.STOP: trainer_program.load_turns(context.resolved).stop_reason(context, done, swarm),
            Scalar.ITEMS: counts.items,
            Scalar.REJECTED: sum(counts.rejected.values()),
            Scalar.UNSCORED: sum(counts.unscored.values()),
            Scalar.FATES: format_fates(counts),
            Scalar.FITNESS: ",".join(map(format_fitness, done.candidates)),
            **build_values(find_values(context, done, best.position) if best else ()),
            **({Scalar.HELD_OUT: done.held_out[0].fitness} if done.held_out else {}),
        },
    )


def find_values(context: Context, done: Commit, position: Position) -> tuple[tuple[str, float], ...]:
    """Return the values of several objectives, as the last turn up to `done` that measured `position` found them.

    Returns none if one objective is maximized. Raises StoreError.
    """
    setup, at = search_setup.load(context, done.swarm_name), done
    if not isinstance(setup.evaluator.composition, SeveralObjectives):
        return ()
    while True:
        for candidate in at.candidates:
            if at.swarm_name == done.swarm_name and candidate.position == position and candidate.fitness is not None:
                return list_values(candidate.values)
        if at.iteration == 0:
            return ()
        at = commit_chain.load_existing(context.store, at.iteration - 1)


def list_values(measured: MeasuredValues) -> tuple[tuple[str, float], ...]:
    """Return the values that could be measured, by name."""
    return tuple((name, value) for name, value in commit.get_values(measured).items() if value is not None)


def build_values(values: Sequence[tuple[str, float]]) -> dict[str, str]:
    """Build the scalar with the values of the best generator; nothing if there are none."""
    return {Scalar.VALUES: receipt_fields.format_values(values)} if values else {}


def format_fates(counts: RolloutTotals) -> str:
    """Format the number of all takers' answers by fate for a receipt."""
    fates = sum((Counter(one) for one in counts.fates.values()), Counter[str]())
    return ",".join(f"{fate}={count}" for fate, count in sorted(fates.items()))


def format_fitness(candidate: MeasuredCandidate) -> str:
    """Format a candidate's fitness for a receipt, with four digits; the text ends with `=` if it is unscored."""
    return f"{candidate.name}=" if candidate.fitness is None else f"{candidate.name}={candidate.fitness:.4f}"
