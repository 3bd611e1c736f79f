"""Has takers that the search never asked answer the items of the final evaluation, and stores their answers.

They answer the very items of the final rollouts, so nothing is generated. Their answers are rollouts of their own: the
final rollouts with other answers. If the objective compares with a reference set, they answer that, too.

An outage raises InferenceError, as everywhere, and stores nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from swarm_core import commit
from swarm_core.engine.work import WorkItem
from swarm_core.objectives.objective import ReferenceScores
from swarm_core.objectives.scores import CoverageError
from swarm_core.ports import CorruptError, Inference
from swarm_core.recipe import ModelName
from swarm_core.rollout import Rollout, Unmeasured
from swarm_trainer.evaluation import examine, lanes, reference_set, rollout_store, search_setup
from swarm_trainer.evaluation.completions import Asker
from swarm_trainer.evaluation.evaluator import Evaluator
from swarm_trainer.evaluation.examine import Examination, Stage
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.report.search_result import EvaluatedGenerator
from swarm_trainer.runtime.context import Context, Progress

FOLDER = "transfer"
"""The folder of the rollouts with the answers of unseen takers: `transfer/N` has those of `final/N`."""
REFERENCE_KEY = commit.rollout_key("reference", "unseen")
"""The key of the answers of unseen takers to the reference set."""
Answered = Mapping[str, tuple[Rollout, ...]]
"""The final rollouts of each generator, by its name, with the answers of unseen takers."""


def answer_reference(
    context: Context, setup: SearchSetup, evaluator: Evaluator, engine: Inference
) -> ReferenceScores | Unmeasured | None:
    """Return the scores of unseen takers on the reference set, which they answer now if they have not yet; None if
    there is no such set.

    Raises InferenceError, CorruptError, StoreError.
    """
    digest = setup.experiment.reference
    if digest is None:
        return None
    items = search_setup.load_pinned_items(context.store, digest)

    def make() -> Rollout:
        return reference_set.collect_answers(evaluator.examination, engine, items, digest)

    _, found = rollout_store.load_or_make(context.store, REFERENCE_KEY, ModelName(digest), make, context.meter)
    try:
        reference_set.require_coverage(found, evaluator.coverage)
    except CoverageError as error:
        return Unmeasured(f"reference set: {error}")
    return reference_set.summarize_scores(found)


def answer_final_items(
    item: WorkItem,
    context: Context,
    evaluator: Evaluator,
    engines: Sequence[Inference],
    generators: Sequence[EvaluatedGenerator],
) -> Answered:
    """Return the final rollouts of each generator with the answers of unseen takers, which answer now if they have not
    yet.

    Raises InferenceError, CorruptError, StoreError.
    """
    places = [(generator, seed) for generator in generators for seed in range(len(generator.rollouts))]
    jobs = [build_job(context, evaluator.examination, generator, seed) for generator, seed in places]
    answered: dict[str, tuple[Rollout, ...]] = {}
    for (generator, seed), rollout in zip(places, lanes.run_jobs(engines, jobs), strict=True):
        require_same_items(rollout, generator.rollouts[seed], f"{FOLDER}/{seed}/{generator.name}")
        answered[generator.name] = (*answered.get(generator.name, ()), rollout)
        done = sum(map(len, answered.values()))
        context.progress(
            Progress(item.key, "asking unseen takers", done, len(jobs), rollout.tokens, usage=context.record_usage())
        )
    return answered


def build_job(
    context: Context, exam: Examination, generator: EvaluatedGenerator, seed: int
) -> lanes.EngineJob[Rollout]:
    """Build the job that has unseen takers answer one final rollout of a generator."""
    key = commit.rollout_key(f"{FOLDER}/{seed}", generator.name)
    rollout = generator.rollouts[seed]

    def job(engine: Inference) -> Rollout:
        def make() -> Rollout:
            return replace_answers(exam, engine, rollout, (FOLDER, seed))

        return rollout_store.load_or_make(context.store, key, rollout.model, make, context.meter)[1]

    return job


def replace_answers(exam: Examination, engine: Inference, rollout: Rollout, stage: Stage) -> Rollout:
    """Return `rollout` with the answers of the takers of `exam` in place of those that it has.

    Raises InferenceError if the engine can answer nothing at all.
    """
    ask = Asker(engine)
    answered = examine.collect_answers(exam, stage, [one.item for one in rollout.items], ask)
    return replace(
        rollout,
        takers=tuple(name for name, _ in exam.takers),
        items=tuple(replace(old, answers=new.answers) for old, new in zip(rollout.items, answered, strict=True)),
        tokens=ask.tokens,
        thinking_tokens=ask.thinking_tokens,
    )


def require_same_items(found: Rollout, final: Rollout, where: str) -> None:
    """Require that unseen takers answered the items of a final rollout. Raises CorruptError."""
    if [one.item for one in found.items] != [one.item for one in final.items]:
        raise CorruptError(f"{where} answers other items than the final rollout has; restore the store from a copy")
