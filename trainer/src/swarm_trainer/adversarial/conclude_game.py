"""Settle a game: measure both sides on items that no round has seen, and play every round against every other.

Takers       the last round's best against every initial one, on the same items: the real ones kept for the verdict, new
             ones of the rivals, and those that the game itself brought forth.
Generators   the last round's best against every initial one, for the initial takers (`final_evaluation`).

Nothing is chosen here, so nothing is flattered: the last round's best is what the game believes in (the next one, where
final items cannot measure it), and the initial one that does best on the very items that decide is the baseline.
"""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from swarm_core import commit, ratings, streams
from swarm_core.commit import Commit
from swarm_core.engine.receipt_fields import Output, Scalar, StopReason
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.item_pool import Pool
from swarm_core.items import Item, get_texts, select_distinct
from swarm_core.objectives import intervals
from swarm_core.objectives.scores import Score, Unscored
from swarm_core.optimizers import optimization
from swarm_core.ports import Inference, StoreError
from swarm_core.recipe import Digest, Recipe
from swarm_core.rollout import Rollout
from swarm_core.swarm_names import TAKERS
from swarm_trainer.adversarial import held_out_evaluation, pools, stopping, turns
from swarm_trainer.evaluation import lanes, rollout_store, search_setup, serving
from swarm_trainer.evaluation.final_evaluation import FinalEvaluation, build_candidates
from swarm_trainer.evaluation.rollout_store import RolloutRequest
from swarm_trainer.report import game_report, game_result, rounds
from swarm_trainer.report.game_report import GameRecord
from swarm_trainer.report.game_result import Comparison, GameResult
from swarm_trainer.report.result import Provenance
from swarm_trainer.report.search_result import Interval, SearchResult
from swarm_trainer.run_store import commit_chain
from swarm_trainer.runtime.context import Context, Progress
from swarm_trainer.stores import tree

GAME_ITEMS = "game"
"""The items of every round's best generator."""


@dataclass(frozen=True, slots=True)
class FinishedGame:
    """A game that is over."""

    generators: tuple[Commit, ...]
    takers: tuple[Commit, ...]
    """By round; none of the last where the generators ended the game."""

    @property
    def last(self) -> Commit:
        return self.takers[-1] if len(self.takers) == len(self.generators) else self.generators[-1]


def run(item: WorkItem, context: Context) -> Receipt:
    """Measure, play, store."""
    commits = list(commit_chain.walk(context.store))[::-1]
    played = FinishedGame(tuple(commits[0::2]), tuple(commits[1::2]))
    verdict = evaluate_generators(item, context, played)
    ours = evaluate_takers(item, context, played, verdict)
    bundle, digest = store_bundle(context, played, ours)
    real = ours.comparisons[0].gain
    return Receipt(
        key=item.key,
        outputs={Output.BUNDLE: bundle, Output.RESULT: digest},
        scalars={
            Scalar.GAIN: real.value,
            Scalar.GAIN_LOW: real.low,
            Scalar.GAIN_HIGH: real.high,
            Scalar.BEST: verdict.best.fresh.value,
            Scalar.BEST_PARTICLE: verdict.best.name,
            Scalar.BEST_RECIPE: verdict.best.model,
            Scalar.INITIAL: verdict.initial.fresh.value,
        },
    )


def evaluate_generators(item: WorkItem, context: Context, played: FinishedGame) -> SearchResult:
    """The last best generator and the initial ones, on fresh items, for the initial takers."""
    takers = turns.initial_takers(context)
    named = [(f"t{index:02d}", recipe) for index, recipe in enumerate(takers)]
    ready = search_setup.load(context).facing(named)
    swarm = optimization.from_json(played.generators[-1].swarm)
    ranked = build_candidates(optimization.finalists(swarm, ready.resolved.evaluation.finalists))
    if not ranked:
        raise StoreError("no generator was ever scored in the last round; see its rollouts")
    verdict = FinalEvaluation(item, context, ready, played.generators[0].probes).verdict(
        ranked, swarm, played.generators
    )
    stop = stopping.find_reason(context, played.last, optimization.from_json(played.last.swarm))
    return replace(verdict, stop=stop or str(StopReason.ITERATIONS))


def evaluate_takers(item: WorkItem, context: Context, played: FinishedGame, verdict: SearchResult) -> GameResult:
    """The takers' part: three truths about the last one, and every round against every other."""
    game = [load_best_generator_items(context, done) for done in played.generators]
    items = {
        held_out_evaluation.REAL_ITEMS: held_out_evaluation.load_real_items(context, held_out_evaluation.FINAL_HALF),
        held_out_evaluation.RIVAL_ITEMS: collect_rival_items(item, context),
        GAME_ITEMS: tuple(item for items in game for item in items),
    }
    initial = {f"t{index:02d}": recipe for index, recipe in enumerate(turns.initial_takers(context))}
    leaders = {f"r{number:03d}": turns.find_best_recipe(context, done) for number, done in enumerate(played.takers)}
    final = list(leaders)[-1]
    papers = [(name, source) for name in [*initial, final] for source in items]
    papers += [(name, GAME_ITEMS) for name in leaders if name != final]
    scores = score_takers(item, context, {**initial, **leaders}, papers, items)
    matrix = tuple(zip(*(compute_win_rates(scores[name, GAME_ITEMS], game) for name in leaders), strict=True))
    return GameResult(
        generators=verdict,
        comparisons=tuple(compare_takers(context, source, scores, list(initial), final) for source in items),
        rounds=rounds.summarize(
            played.generators, played.takers, [load_commit_pool(context, done) for done in played.takers]
        ),
        matrix=matrix,
        ratings=ratings.elo(matrix),
        examples=tuple(get_texts(items[: game_result.MAX_EXAMPLES]) for items in game),
    )


def load_best_generator_items(context: Context, done: Commit) -> tuple[Item, ...]:
    """The items of the best generator of a commit."""
    (winner, *_) = pools.rank_probes(done) or done.probes
    rollout = pools.load_rollout(context, commit.probe_key(done.iteration, winner.name))
    return tuple(one.item for one in rollout.items)


def collect_rival_items(item: WorkItem, context: Context) -> tuple[Item, ...]:
    """New items of the rivals, of every final seed, each once."""
    final = context.resolved.evaluation.final
    drawn = [
        held_out_evaluation.load_or_generate_rival_items(context, item.key, ("final", seed, "rivals"), final.items)
        for seed in range(final.seeds)
    ]
    return select_distinct(item for items in drawn for item in items)


def score_takers(
    item: WorkItem,
    context: Context,
    models: Mapping[str, Recipe],
    papers: Sequence[tuple[str, str]],
    items: Mapping[str, tuple[Item, ...]],
) -> dict[tuple[str, str], tuple[Score, ...]]:
    """The scores of each (taker, source) of `papers`, [item]."""
    ready = search_setup.load(context, TAKERS)

    def sitting(name: str, source: str) -> lanes.EngineJob[Rollout]:
        key = commit.rollout_key("final/takers", f"{name}-{source}")
        wanted = RolloutRequest(key, models[name].name, ("final", "takers", source), items[source])
        return lambda engine: rollout_store.load_or_create(
            context.store, ready.examination, engine, wanted, context.meter
        )[1]

    engines: Sequence[Inference] = serving.serve(context, ready, list(models.values()))
    found = {}
    for paper, rollout in zip(papers, lanes.run_jobs(engines, [sitting(*paper) for paper in papers]), strict=True):
        found[paper] = tuple(one.answers[0].score for one in rollout.items)
        note, effort = "takers answer for the last time", context.record_usage()
        context.progress(Progress(item.key, note, len(found), len(papers), rollout.tokens, effort=effort))
    return found


def compare_takers(
    context: Context, source: str, scores: Mapping[tuple[str, str], Sequence[Score]], initial: list[str], final: str
) -> Comparison:
    """The last taker against the best initial one on the items of `source`."""
    coverage = context.resolved.evaluation.coverage
    seed = streams.seed(context.resolved.seed, "bootstrap", "takers", source)
    found = {
        name: intervals.paired_difference(scores[final, source], scores[name, source], coverage, seed)
        for name in initial
    }
    baseline = min(found, key=lambda name: (found[name].value, name))
    gap = found[baseline]
    means = dict(gap.parts)
    return Comparison(source, gap.n, baseline, means["second"], means["first"], Interval(gap.value, gap.low, gap.high))


def compute_win_rates(scores: Sequence[Score], game: Sequence[Sequence[Item]]) -> list[float]:
    """What each round's generator wins against one taker: the share of its items that the taker gets wrong."""
    found, start = [], 0
    for items in game:
        told = [one for one in scores[start : start + len(items)] if not isinstance(one, Unscored)]
        if not told:
            raise StoreError("a round's items have no scored answer at all; see the rollouts under final/takers")
        found.append(1.0 - sum(told) / len(told))
        start += len(items)
    return found


def load_commit_pool(context: Context, done: Commit) -> Pool:
    assert done.pool is not None
    return pools.load(context, done.pool)


def store_bundle(context: Context, played: FinishedGame, ours: GameResult) -> tuple[Digest, Digest]:
    """Store what the game leaves; the digests of the bundle and of its result.json."""
    context.cache.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="conclude.", dir=context.cache))
    try:
        write(folder, context, played, ours)
        return tree.put_tree(context.store, folder), context.store.put(folder / "result.json")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write(folder: Path, context: Context, played: FinishedGame, ours: GameResult) -> None:
    """The bundle's files."""
    ready, takers = search_setup.load(context), search_setup.load(context, TAKERS)
    commits = sorted((*played.generators, *played.takers), key=lambda done: done.iteration)
    pool = load_commit_pool(context, played.takers[-1])
    origin = Provenance(ready.experiment, ready.examination.seed, played.last.digest)
    about = GameRecord(ready.examination.domain, origin, tuple(commits), pool)
    game_report.write(folder, about, ours)
    ready.space.export(context, ours.generators.best.position, folder / "adapter")
    last = played.takers[-1]
    best = optimization.best(optimization.from_json(last.swarm))
    assert best is not None  # `turns.find_best_recipe` has found it
    takers.with_basis(last.basis).space.export(context, best.position, folder / "taker")
