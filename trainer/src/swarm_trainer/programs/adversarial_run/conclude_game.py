"""Concludes a game: measures both sides on items that no round has seen, and measures every round against every other.

Takers: the last round's best taker against every initial taker, on the same items. These are the real items reserved
for the final evaluation, new items of the rivals, and the items of the game itself.

Generators: the last round's best generator against every initial generator, with the initial takers
(`final_evaluation`).

No generator and no taker that moves is selected on real items, on items of the rivals or on fresh items, so no gain on
them is inflated by selection. The items of the game itself are those that the takers were selected by, so a gain on
them has an interval and no verdict. The last round's best is the best by the game's own estimates (or the next one, if
final items cannot measure it). The baseline of the generators is the initial one that the first round found best; that
of the takers does best on the same items, which favors the baseline. Real items and items of the rivals that a round
has seen are left out (`seen_items`).
"""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from swarm_core import commit, ratings, streams
from swarm_core.canonical_items import find_first_spellings
from swarm_core.commit import Commit
from swarm_core.engine.receipt_fields import Output, Scalar, StopReason
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.errors import ErrorCode, add_code
from swarm_core.item_pool import Pool
from swarm_core.items import Item, get_texts
from swarm_core.objectives.scores import Score, Unscored
from swarm_core.optimizers import optimization
from swarm_core.ports import Inference, StoreError
from swarm_core.recipe import Digest, Recipe
from swarm_core.rollout import Rollout
from swarm_core.swarm_names import TAKERS
from swarm_trainer.evaluation import lanes, rollout_store, run_parts, search_setup, serving
from swarm_trainer.evaluation.final_evaluation import FinalEvaluation, Ranking, build_candidates
from swarm_trainer.evaluation.rollout_store import RolloutRequest
from swarm_trainer.programs.adversarial_run import (
    held_out_evaluation,
    pools,
    seen_items,
    stopping,
    taker_comparison,
    turns,
)
from swarm_trainer.programs.adversarial_run.taker_comparison import ItemSet
from swarm_trainer.report import game_report, game_result, rounds
from swarm_trainer.report.game_report import GameRecord
from swarm_trainer.report.game_result import GAME_ITEMS, Comparison, GameResult
from swarm_trainer.report.result import Provenance
from swarm_trainer.report.search_result import SearchResult
from swarm_trainer.run_store import commit_chain
from swarm_trainer.runtime.context import Context, Progress
from swarm_trainer.stores import tree

MAX_RIVAL_DRAWS = 3
"""How many times as often as for the final seeds the rivals write at most, to replace items that rounds have seen."""


@dataclass(frozen=True, slots=True)
class FinishedGame:
    """The commits of a finished game."""

    generators: tuple[Commit, ...]
    takers: tuple[Commit, ...]
    """The takers' commits by round. The last round has none if the generators' turn ended the game."""

    @property
    def last(self) -> Commit:
        """The last commit of the game."""
        return self.takers[-1] if len(self.takers) == len(self.generators) else self.generators[-1]


def run(item: WorkItem, context: Context) -> Receipt:
    """Measure both sides, and store the result. Raises StoreError, InferenceError, CoverageError."""
    commits = list(commit_chain.walk(context.store))[::-1]
    finished = FinishedGame(tuple(commits[0::2]), tuple(commits[1::2]))
    search_result = evaluate_generators(item, context, finished)
    outcome = evaluate_takers(item, context, finished, search_result)
    bundle, digest = store_bundle(context, finished, outcome)
    real = outcome.comparisons[0].gain
    return Receipt(
        key=item.key,
        outputs={Output.BUNDLE: bundle, Output.RESULT: digest},
        scalars={
            Scalar.GAIN: real.value,
            Scalar.GAIN_LOW: real.low,
            Scalar.GAIN_HIGH: real.high,
            Scalar.BEST: search_result.best.fresh.value,
            Scalar.BEST_PARTICLE: search_result.best.name,
            Scalar.BEST_RECIPE: search_result.best.model,
            Scalar.INITIAL: search_result.initial.fresh.value,
        },
    )


def evaluate_generators(item: WorkItem, context: Context, finished: FinishedGame) -> SearchResult:
    """Measure the last best and the initial generators on fresh items, with the initial takers. Raises StoreError."""
    takers = turns.load_initial_takers(context)
    named = [(f"t{index:02d}", recipe) for index, recipe in enumerate(takers)]
    setup = search_setup.load(context).facing(named)
    swarm = optimization.from_json(finished.generators[-1].swarm)
    ranked = build_candidates(optimization.select_finalists(swarm, setup.resolved.evaluation.finalists))
    if not ranked:
        failure = StoreError("no generator was ever scored in the last round; see its rollouts")
        raise add_code(failure, ErrorCode.NOTHING_ACCEPTED)
    first = finished.generators[0]
    ranking = Ranking(tuple(ranked), tuple(candidate.position for candidate in pools.rank_candidates(first)))
    evaluation = FinalEvaluation(item, context, setup, first.candidates)
    search_result = evaluation.evaluate(ranking, swarm, finished.generators)
    stop = stopping.find_reason(context, finished.last, optimization.from_json(finished.last.swarm))
    return replace(search_result, stop=stop or str(StopReason.ITERATIONS))


def evaluate_takers(
    item: WorkItem, context: Context, finished: FinishedGame, search_result: SearchResult
) -> GameResult:
    """Compare the last best taker with the initial ones on three sets of items, and every round with every other."""
    items_by_round = [load_best_generator_items(context, done) for done in finished.generators]
    seen = seen_items.collect_seen_forms(context, [*finished.generators, *finished.takers])
    sets = {
        held_out_evaluation.REAL_ITEMS: collect_real_items(context, seen),
        held_out_evaluation.RIVAL_ITEMS: collect_rival_items(item, context, seen),
        GAME_ITEMS: build_game_items(items_by_round),
    }
    items = {source: found.items for source, found in sets.items()}
    initial = {f"t{index:02d}": recipe for index, recipe in enumerate(turns.load_initial_takers(context))}
    leaders = {f"r{number:03d}": turns.find_best_recipe(context, done) for number, done in enumerate(finished.takers)}
    final = list(leaders)[-1]
    pairings = [(name, source) for name in [*initial, final] for source in items]
    pairings += [(name, GAME_ITEMS) for name in leaders if name != final]
    scores = score_takers(item, context, {**initial, **leaders}, pairings, items)
    matrix = tuple(zip(*(compute_win_rates(scores[name, GAME_ITEMS], items_by_round) for name in leaders), strict=True))
    return GameResult(
        generators=search_result,
        comparisons=tuple(
            compare_on(context, source, found, {name: scores[name, source] for name in [*initial, final]})
            for source, found in sets.items()
        ),
        rounds=rounds.summarize(
            finished.generators, finished.takers, [load_commit_pool(context, done) for done in finished.takers]
        ),
        matrix=matrix,
        ratings=ratings.compute_elo(matrix),
        examples=tuple(get_texts(items[: game_result.MAX_EXAMPLES]) for items in items_by_round),
    )


def load_best_generator_items(context: Context, done: Commit) -> tuple[Item, ...]:
    """Load the items of a commit's best generator. Raises StoreError."""
    (winner, *_) = pools.rank_candidates(done) or done.candidates
    rollout = pools.load_rollout(context, commit.candidate_key(done.iteration, winner.name))
    return tuple(one.item for one in rollout.items)


def collect_real_items(context: Context, seen: set[str]) -> ItemSet:
    """Collect the real items of the final evaluation that no round has seen. Raises StoreError if there are none."""
    items = held_out_evaluation.load_real_items(context, held_out_evaluation.FINAL_HALF)
    unseen = seen_items.select_unseen(
        ItemSet(items, tuple(range(len(items)))), seen, run_parts.build_judge(context.resolved)
    )
    if not unseen.items:
        raise StoreError(
            f"the game has seen all {len(items)} real items of the final evaluation; give spec.takers.data more items"
        )
    return unseen


def collect_rival_items(item: WorkItem, context: Context, seen: set[str]) -> ItemSet:
    """Collect new items of the rivals that no round has seen, without repeats.

    The rivals write for each final seed, and up to twice as often again while items are missing. Raises StoreError if
    they wrote no new item at all.
    """
    final = context.resolved.evaluation.final
    items, units = list[Item](), list[tuple[int, int, int]]()
    unseen, judge = ItemSet((), ()), run_parts.build_judge(context.resolved)
    for seed in range(MAX_RIVAL_DRAWS * final.seeds):
        if seed >= final.seeds and len(unseen.items) >= final.seeds * final.items:
            break
        rollouts = held_out_evaluation.load_or_generate_rival_rollouts(
            context, item.key, ("final", seed, "rivals"), final.items
        )
        for number, rollout in enumerate(rollouts):
            items += [one.item for one in rollout.items]
            units += [(seed, number, one.item.request) for one in rollout.items]
        unseen = seen_items.select_unseen(ItemSet(tuple(items), tuple(units)), seen, judge)
    if not unseen.items:
        raise StoreError("the rivals wrote no item that the game has not seen; raise spec.evaluation.final.items")
    return unseen


def build_game_items(items_by_round: Sequence[Sequence[Item]]) -> ItemSet:
    """Return the items of every round's best generator in order, with repetitions."""
    placed = [(number, one) for number, items in enumerate(items_by_round) for one in items]
    return ItemSet(tuple(one for _, one in placed), tuple((number, one.request) for number, one in placed))


def score_takers(
    item: WorkItem,
    context: Context,
    models: Mapping[str, Recipe],
    pairings: Sequence[tuple[str, str]],
    items: Mapping[str, tuple[Item, ...]],
) -> dict[tuple[str, str], tuple[Score, ...]]:
    """Return the scores of each (taker, source) of `pairings`, [item].

    Raises InferenceError, StoreError, CorruptError.
    """
    setup = search_setup.load(context, TAKERS)

    def build_job(name: str, source: str) -> lanes.EngineJob[Rollout]:
        key = commit.rollout_key("final/takers", f"{name}-{source}")
        request = RolloutRequest(key, models[name].name, ("final", "takers", source), items[source])
        return lambda engine: rollout_store.load_or_create(
            context.store, setup.examination, engine, request, context.meter
        )[1]

    engines: Sequence[Inference] = serving.serve(context, setup, list(models.values()))
    scores = {}
    for pairing, rollout in zip(
        pairings, lanes.run_jobs(engines, [build_job(*pairing) for pairing in pairings]), strict=True
    ):
        scores[pairing] = tuple(one.answers[0].score for one in rollout.items)
        note, usage = "takers answer for the last time", context.record_usage()
        context.progress(Progress(item.key, note, len(scores), len(pairings), rollout.tokens, usage=usage))
    return scores


def compare_on(context: Context, source: str, found: ItemSet, scores: Mapping[str, Sequence[Score]]) -> Comparison:
    """Compare the last taker of `scores`, [taker][item], with the best one before it. Each item counts once.

    Raises CoverageError.
    """
    once = find_first_spellings(found.items, run_parts.build_judge(context.resolved)).values()
    *initial, final = [(name, [of_taker[index] for index in once]) for name, of_taker in scores.items()]
    return taker_comparison.compare_takers(
        source,
        final[1],
        dict(initial),
        [found.units[index] for index in once],
        context.resolved.evaluation.coverage,
        streams.derive_seed(context.resolved.seed, "intervals", "takers", source),
    )


def compute_win_rates(scores: Sequence[Score], items_by_round: Sequence[Sequence[Item]]) -> list[float]:
    """Return each round's win rate against one taker: the share of its items, 0 to 1, that the taker answers wrong.

    Raises StoreError if the items of a round have no scored answer.
    """
    win_rates, start = [], 0
    for items in items_by_round:
        scored = [one for one in scores[start : start + len(items)] if not isinstance(one, Unscored)]
        if not scored:
            raise StoreError("a round's items have no scored answer at all; see the rollouts under final/takers")
        win_rates.append(1.0 - sum(scored) / len(scored))
        start += len(items)
    return win_rates


def load_commit_pool(context: Context, done: Commit) -> Pool:
    """Load the item pool of a takers' commit. Raises StoreError."""
    assert done.pool is not None
    return pools.load(context, done.pool)


def store_bundle(context: Context, finished: FinishedGame, outcome: GameResult) -> tuple[Digest, Digest]:
    """Store the output of the game; return the digests of the bundle and of its result.json. Raises StoreError."""
    context.cache.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="conclude.", dir=context.cache))
    try:
        write(folder, context, finished, outcome)
        return tree.put_tree(context.store, folder), context.store.put(folder / "result.json")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write(folder: Path, context: Context, finished: FinishedGame, outcome: GameResult) -> None:
    """Write the files of the bundle."""
    setup, takers = search_setup.load(context), search_setup.load(context, TAKERS)
    commits = sorted((*finished.generators, *finished.takers), key=lambda done: done.iteration)
    pool = load_commit_pool(context, finished.takers[-1])
    origin = Provenance(setup.experiment, setup.examination.seed, finished.last.digest)
    record = GameRecord(setup.examination.wording.domain, origin, tuple(commits), pool)
    game_report.write(folder, record, outcome, context.store)
    setup.space.export(context, outcome.generators.best.position, folder / "adapter")
    last_takers = finished.takers[-1]
    best = optimization.best(optimization.from_json(last_takers.swarm))
    assert best is not None  # `evaluate_takers` has found it
    takers.with_basis(last_takers.basis).space.export(context, best.position, folder / "taker")
