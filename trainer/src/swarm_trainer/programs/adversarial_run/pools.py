"""Builds the item pool of each round from the store: at first from seed items, then also from the generators' items.

New items come from the better half of the generators measured in the round. They are already stored, with the takers'
answers. With `compat: Reference`, every generator writes new items after its move, whatever its value. Those drafts
(`list_draft_requests`) must be stored before the pool can be built.
"""

from collections.abc import Iterator

from swarm_core import commit, item_pool
from swarm_core.commit import Commit, MeasuredCandidate
from swarm_core.item_pool import Pool, PoolEntry, TurnoverRule
from swarm_core.items import Item
from swarm_core.objectives.scores import Unscored
from swarm_core.optimizers import optimization
from swarm_core.ports import Judge, Solver, StoreError
from swarm_core.programs.adversarial_run.resolved import find_game
from swarm_core.recipe import Digest, ModelName
from swarm_core.rollout import Rollout
from swarm_trainer.evaluation import run_parts, search_setup
from swarm_trainer.evaluation.rollout_store import RolloutRequest
from swarm_trainer.run_store import commit_chain, experiments
from swarm_trainer.runtime.context import Context


def build_pool(context: Context, number: int) -> Pool:
    """Build the pool of round `number`; the commits before it must exist.

    Raises StoreError, CorruptError, BadInputError.
    """
    game, seed = find_game(context.resolved), context.resolved.seed
    assert game is not None
    judge = run_parts.build_judge(context.resolved)  # once: it looks up plug-ins
    if number == 0:
        _, experiment = experiments.load(context.store)
        items = experiments.load_seed_data(context.store, experiment).example_items
        return item_pool.draw_initial([build_entry(judge, item, -1) for item in items], game.pool.size, seed)
    last_takers, measured = (commit_chain.load_existing(context.store, index) for index in (2 * number - 1, 2 * number))
    assert last_takers.pool is not None
    last_pool = load(context, last_takers.pool)
    archive = item_pool.update_archive(last_pool, find_missed(context, last_takers), game.pool.archive, judge)
    written = load_drafts(context, measured) if game.reference else load_better_half(context, measured)
    new = [
        build_entry(judge, answered.item, number, rollout.model) for rollout in written for answered in rollout.items
    ]
    rule = TurnoverRule(game.pool.turnover, game.pool.revisited, game.pool.archive, seed)
    fresh = item_pool.select_new(last_pool, archive, new, judge)
    return item_pool.build_next(last_pool, archive, fresh, rule, judge)


def load(context: Context, digest: Digest) -> Pool:
    """Load a pool by its digest. Raises StoreError, CorruptError."""
    return Pool.from_bytes(context.store.get(digest).read_bytes())


def build_entry(judge: Judge, item: Item, number: int, model: ModelName | None = None) -> PoolEntry:
    """Build the pool's record of an item, with the answer that the judge knows."""
    return PoolEntry(item, number, model, judge.solution(item) if isinstance(judge, Solver) else None)


def rank_candidates(done: Commit) -> list[MeasuredCandidate]:
    """Return the scored candidates of a commit, best first. Ties keep the order of the requests."""
    scored = [(candidate.fitness, candidate) for candidate in done.candidates if candidate.fitness is not None]
    return [candidate for _, candidate in sorted(scored, key=lambda one: -one[0])]


def find_missed(context: Context, done: Commit) -> list[bool]:
    """Return, for each item of a commit's pool, whether the commit's best taker answered it wrong.

    An answer without a score does not count as wrong. Raises StoreError.
    """
    (winner, *_) = rank_candidates(done) or done.candidates
    answers = [
        item.answers[0] for item in load_rollout(context, commit.candidate_key(done.iteration, winner.name)).items
    ]
    return [not isinstance(given.score, Unscored) and given.score < 1.0 for given in answers]


def load_better_half(context: Context, done: Commit) -> Iterator[Rollout]:
    """Yield the rollouts of the better half of the measured generators. Raises StoreError."""
    ranked = rank_candidates(done)
    for candidate in ranked[: (len(ranked) + 1) // 2]:
        yield load_rollout(context, commit.candidate_key(done.iteration, candidate.name))


def load_drafts(context: Context, done: Commit) -> Iterator[Rollout]:
    """Yield the items that the generators wrote after their move. Raises StoreError."""
    for request in list_draft_requests(context, done):
        yield load_rollout(context, request.key)


def list_draft_requests(context: Context, done: Commit) -> Iterator[RolloutRequest]:
    """Yield the requests for the drafts of a `compat: Reference` pool: one of every generator, at its new position."""
    setup = search_setup.load(context)
    for number, position in enumerate(optimization.current_positions(optimization.from_json(done.swarm))):
        key = commit.rollout_key(f"iterations/{done.iteration + 1:04d}/drafts", f"p{number:02d}")
        yield RolloutRequest(
            key, setup.space.recipe(position).name, ("draft", done.iteration), setup.resolved.evaluation.items
        )


def load_rollout(context: Context, key: str) -> Rollout:
    """Load the rollout at `key`. Raises StoreError if there is none."""
    data = context.store.read(key)
    if data is None:
        raise StoreError(f"{key} is missing from the store, and a pool depends on it; restore it")
    return Rollout.from_bytes(data)
