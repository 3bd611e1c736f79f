"""Conclude a run: choose, measure, and store what it leaves as one bundle.

The bundle holds result, history, summary, picture, data set and the best adapter as an ordinary PEFT folder.
"""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from swarm_core.commit import Commit
from swarm_core.engine.receipt_fields import Output, Scalar
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.optimizers import optimization
from swarm_core.recipe import Digest
from swarm_trainer.adversarial import conclude_game
from swarm_trainer.evaluation import search_setup
from swarm_trainer.evaluation.final_evaluation import FinalEvaluation
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.report import dataset, history, result, search_figure, summary
from swarm_trainer.report.search_result import SearchResult
from swarm_trainer.run_store import commit_chain
from swarm_trainer.runtime.context import Context
from swarm_trainer.stores import tree


def run(item: WorkItem, context: Context) -> Receipt:
    """Choose, measure, export; of a game, settle it."""
    if context.resolved.game:
        return conclude_game.run(item, context)
    setup = search_setup.load(context)
    commits = list(commit_chain.walk(context.store))[::-1]
    swarm = optimization.from_json(commits[-1].swarm)
    evaluation = FinalEvaluation(item, context, setup, commits[0].probes)
    finalists = optimization.finalists(swarm, setup.resolved.evaluation.finalists)
    verdict = evaluation.verdict(evaluation.rank_finalists(finalists), swarm, commits)
    bundle, digest = store_bundle(context, setup, verdict, commits)
    return Receipt(
        key=item.key,
        outputs={Output.BUNDLE: bundle, Output.RESULT: digest},
        scalars={
            Scalar.GAIN: verdict.gain.value,
            Scalar.GAIN_LOW: verdict.gain.low,
            Scalar.GAIN_HIGH: verdict.gain.high,
            Scalar.BEST: verdict.best.fresh.value,
            Scalar.BEST_PARTICLE: verdict.best.name,
            Scalar.BEST_RECIPE: verdict.best.model,
            Scalar.INITIAL: verdict.initial.fresh.value,
        },
    )


def store_bundle(
    context: Context, setup: SearchSetup, verdict: SearchResult, commits: Sequence[Commit]
) -> tuple[Digest, Digest]:
    """Store what the run leaves; the digests of the bundle and of its result.json."""
    context.cache.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="conclude.", dir=context.cache))
    try:
        write(folder, context, setup, verdict, commits)
        return tree.put_tree(context.store, folder), context.store.put(folder / "result.json")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write(folder: Path, context: Context, setup: SearchSetup, verdict: SearchResult, commits: Sequence[Commit]) -> None:
    """The bundle's files."""
    name, domain = setup.title, setup.examination.domain
    origin = result.Provenance(setup.experiment, setup.examination.seed, commits[-1].digest)
    (folder / "result.json").write_text(result.serialize(verdict, origin), encoding="utf-8")
    (folder / "history.jsonl").write_text(history.serialize(commits), encoding="utf-8")
    (folder / "summary.txt").write_text(summary.render(verdict, name), encoding="utf-8")
    search_figure.draw(commits, verdict, name, folder / "search.png")
    (folder / "dataset").mkdir()
    (folder / "dataset" / "data.jsonl").write_text(dataset.serialize(verdict), encoding="utf-8")
    (folder / "dataset" / "README.md").write_text(dataset.format_card(verdict, name, domain), encoding="utf-8")
    setup.space.export(context, verdict.best.position, folder / "adapter")
