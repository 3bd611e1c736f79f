"""Concludes a run: chooses, measures, and stores the output as one bundle.

The bundle contains the result, the history, the summary, the figure, the data set, and the best adapter as an ordinary
PEFT folder. Of a front, these are those of its knee, and each end has a data set and an adapter below `front/`.
"""

import dataclasses
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from swarm_core.commit import Commit
from swarm_core.engine import receipt_fields
from swarm_core.engine.receipt_fields import Output, Scalar
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.optimizers import optimization
from swarm_core.pareto_composition import ParetoComposition
from swarm_core.recipe import Digest
from swarm_trainer.evaluation import reference_set, search_setup, transfer
from swarm_trainer.evaluation.final_evaluation import FinalEvaluation
from swarm_trainer.evaluation.front_evaluation import FrontEvaluation
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.report import dataset, front_figure, history, result, search_figure, summary
from swarm_trainer.report.front_report import FrontReport, find_folder
from swarm_trainer.report.search_result import SearchResult
from swarm_trainer.rivals import comparison
from swarm_trainer.run_store import commit_chain
from swarm_trainer.runtime.context import Context
from swarm_trainer.steps import student
from swarm_trainer.stores import tree


def run(item: WorkItem, context: Context) -> Receipt:
    """Choose among the finalists, measure on fresh items, and export. Raises StoreError if nothing can be measured."""
    setup = reference_set.attach(context.store, search_setup.load(context))
    commits = list(commit_chain.walk(context.store))[::-1]
    search_result = add_supplements(item, context, setup, commits, evaluate_search(item, context, setup, commits))
    bundle, digest = store_bundle(context, setup, search_result, commits)
    return build_receipt(item, search_result, {Output.BUNDLE: bundle, Output.RESULT: digest})


def evaluate_search(item: WorkItem, context: Context, setup: SearchSetup, commits: Sequence[Commit]) -> SearchResult:
    """Choose among the finalists of a search, and measure on fresh items. Raises StoreError if nothing can be measured.

    `commits`: those of the search, oldest first.
    """
    swarm = optimization.from_json(commits[-1].swarm)
    evaluation = FinalEvaluation(item, context, setup, commits[0].candidates)
    finalists = optimization.select_finalists(swarm, setup.resolved.evaluation.finalists)
    ranking, composition = evaluation.rank_finalists(finalists, swarm), setup.evaluator.composition
    if isinstance(composition, ParetoComposition):
        return FrontEvaluation(evaluation, composition, ranking).evaluate(swarm, commits)
    return evaluation.evaluate(ranking, swarm, commits)


def add_supplements(
    item: WorkItem, context: Context, setup: SearchSetup, commits: Sequence[Commit], found: SearchResult
) -> SearchResult:
    """Return the result with the further comparisons that the spec asks for. Raises InferenceError, StoreError."""
    made = (
        None if found.front is None else FrontReport(found.front),
        transfer.measure_transfer(item, context, setup, commits, found),
        comparison.compare(item, context, setup, commits, found),
        student.evaluate_student(item, context, setup, found),
    )
    return dataclasses.replace(found, supplements=tuple(one for one in made if one is not None))


def build_receipt(item: WorkItem, search_result: SearchResult, outputs: Mapping[str, Digest]) -> Receipt:
    """Build the receipt of a concluded search."""
    front = search_result.front
    values = [(term.name, term.best.value) for term in search_result.terms]
    if front is not None:
        values = [(term.name, term.found.value) for term in front.points[0].terms]
    return Receipt(
        key=item.key,
        outputs=outputs,
        scalars={
            Scalar.GAIN: search_result.gain.value,
            Scalar.GAIN_LOW: search_result.gain.low,
            Scalar.GAIN_HIGH: search_result.gain.high,
            Scalar.BEST: search_result.best.fresh.value if front is None else front.hypervolume,
            Scalar.BEST_PARTICLE: search_result.best.name,
            Scalar.BEST_RECIPE: search_result.best.model,
            Scalar.INITIAL: search_result.initial.fresh.value if front is None else front.initial,
            **({Scalar.VALUES: receipt_fields.format_values(values)} if values else {}),
        },
    )


def store_bundle(
    context: Context, setup: SearchSetup, search_result: SearchResult, commits: Sequence[Commit]
) -> tuple[Digest, Digest]:
    """Store the output of the run; return the digests of the bundle and of its result.json. Raises StoreError."""
    context.cache.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="conclude.", dir=context.cache))
    try:
        write(folder, context, setup, search_result, commits)
        return tree.put_tree(context.store, folder), context.store.put(folder / "result.json")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write(
    folder: Path, context: Context, setup: SearchSetup, search_result: SearchResult, commits: Sequence[Commit]
) -> None:
    """Write the files of the bundle."""
    name = setup.title
    origin = result.Provenance(setup.experiment, setup.examination.seed, commits[-1].digest)
    (folder / "result.json").write_text(result.serialize(search_result, origin), encoding="utf-8")
    (folder / "history.jsonl").write_text(history.format_history(commits, context.store), encoding="utf-8")
    (folder / "summary.txt").write_text(summary.render(search_result, name), encoding="utf-8")
    write_generator(folder, context, setup, search_result)
    front = search_result.front
    if front is None:
        search_figure.draw(commits, search_result, name, folder / "search.png")
        return
    front_figure.draw(commits, search_result, front, name, folder / "search.png")
    for index, point in enumerate(front.points):
        if not point.is_knee:
            of_point = dataclasses.replace(search_result, best=point.generator)
            write_generator(folder / find_folder(front, index), context, setup, of_point)


def write_generator(folder: Path, context: Context, setup: SearchSetup, search_result: SearchResult) -> None:
    """Write the data set and the adapter of the best generator of `search_result`."""
    name, domain, judge = setup.title, setup.examination.wording.domain, setup.examination.judge
    (folder / "dataset").mkdir(parents=True)
    files = {
        "data.jsonl": dataset.format_records(search_result, judge),
        "README.md": dataset.format_card(search_result, judge, name, domain, setup.examination.answer_check),
    }
    for path, text in files.items():
        (folder / "dataset" / path).write_text(text, encoding="utf-8")
    setup.space.export(context, search_result.best.position, folder / "adapter")
