"""Conclude a run: choose, measure, and store what it leaves as one bundle.

The bundle holds result, history, summary, picture, data set and the best adapter as an ordinary PEFT folder.
"""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from swarm_core.commit import Commit
from swarm_core.engine.receipts import Output, Scalar
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.recipe import Digest
from swarm_core.swarm import pso
from swarm_trainer.report import dataset, history, picture, result, summary
from swarm_trainer.report.verdict import Verdict
from swarm_trainer.stores import tree
from swarm_trainer.verbs import chain, settle
from swarm_trainer.verbs.context import Context
from swarm_trainer.verbs.court import Court
from swarm_trainer.verbs.setup import Setup, prepared


def run(item: WorkItem, context: Context) -> Receipt:
    """Choose, measure, export; of a game, settle it."""
    if context.resolved.game:
        return settle.run(item, context)
    setup = prepared(context)
    commits = list(chain.walk(context.store))[::-1]
    swarm = pso.from_json(commits[-1].swarm)
    court = Court(item, context, setup)
    verdict = court.verdict(court.ranked(pso.finalists(swarm, setup.finalists)), swarm, commits)
    bundle, digest = bundled(context, setup, verdict, commits)
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


def bundled(context: Context, setup: Setup, verdict: Verdict, commits: Sequence[Commit]) -> tuple[Digest, Digest]:
    """Store what the run leaves; the digests of the bundle and of its result.json."""
    context.cache.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="conclude.", dir=context.cache))
    try:
        write(folder, context, setup, verdict, commits)
        return tree.put_tree(context.store, folder), context.store.put(folder / "result.json")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write(folder: Path, context: Context, setup: Setup, verdict: Verdict, commits: Sequence[Commit]) -> None:
    """The bundle's files."""
    name, domain = setup.title, setup.exam.domain
    origin = result.Origin(setup.experiment, setup.exam.seed, commits[-1].digest)
    (folder / "result.json").write_text(result.text(verdict, origin), encoding="utf-8")
    (folder / "history.jsonl").write_text(history.text(commits), encoding="utf-8")
    (folder / "summary.txt").write_text(summary.text(verdict, name), encoding="utf-8")
    picture.draw(commits, verdict, name, folder / "search.png")
    (folder / "dataset").mkdir()
    (folder / "dataset" / "data.jsonl").write_text(dataset.text(verdict), encoding="utf-8")
    (folder / "dataset" / "README.md").write_text(dataset.card(verdict, name, domain), encoding="utf-8")
    setup.export(context, verdict.best.position, folder / "adapter")
