"""The pool of each round, from what the store holds: seed items at first, then what the generators write.

New items come from the better half of the generators measured in the round: they are stored already, answered by the
takers. As released, they are written anew by the generators after their move, whether those are any good or not; such
drafts must have been made (`list_draft_requests`) before the pool can be told.
"""

from collections.abc import Iterator

from swarm_core import commit, item_pool
from swarm_core.commit import Commit, ProbeResult
from swarm_core.item_pool import Pool, PoolEntry, TurnoverRule
from swarm_core.items import Item
from swarm_core.objectives.scores import Unscored
from swarm_core.optimizers import optimization
from swarm_core.ports import Solver, StoreError
from swarm_core.programs.adversarial_run.resolved import find_game
from swarm_core.recipe import Digest, ModelName
from swarm_core.rollout import Rollout
from swarm_trainer.evaluation import run_parts, search_setup
from swarm_trainer.evaluation.rollout_store import RolloutRequest
from swarm_trainer.run_store import commit_chain, experiments
from swarm_trainer.runtime.context import Context


def build(context: Context, number: int) -> Pool:
    """The pool of round `number`; the commits before it must stand. Raises StoreError."""
    game, seed = find_game(context.resolved), context.resolved.seed
    assert game is not None
    if number == 0:
        _, experiment = experiments.load(context.store)
        items = experiments.load_seed_data(context.store, experiment).pool
        return item_pool.draw_initial([build_entry(context, item, -1) for item in items], game.pool.size, seed)
    last, measured = (commit_chain.load_existing(context.store, index) for index in (2 * number - 1, 2 * number))
    assert last.pool is not None
    before = load(context, last.pool)
    archive = item_pool.update_archive(before, find_missed(context, last), game.pool.archive)
    written = load_drafts(context, measured) if game.reference else load_better_half(context, measured)
    new = [build_entry(context, one.item, number, rollout.model) for rollout in written for one in rollout.items]
    rule = TurnoverRule(game.pool.turnover, game.pool.revisited, game.pool.archive, seed)
    return item_pool.build_next(before, archive, item_pool.select_new(before, archive, new), rule)


def load(context: Context, digest: Digest) -> Pool:
    return Pool.from_bytes(context.store.get(digest).read_bytes())


def build_entry(context: Context, item: Item, number: int, model: ModelName | None = None) -> PoolEntry:
    """The item of record, with the answer that the judge knows."""
    judge = run_parts.build_judge(context.resolved)
    return PoolEntry(item, number, model, judge.solution(item) if isinstance(judge, Solver) else None)


def rank_probes(done: Commit) -> list[ProbeResult]:
    """The scored probes of a commit, best first; of equals the first asked."""
    scored = [(probe.fitness, probe) for probe in done.probes if probe.fitness is not None]
    return [probe for _, probe in sorted(scored, key=lambda one: -one[0])]


def find_missed(context: Context, done: Commit) -> list[bool]:
    """Whether the best taker of a commit got each item of its pool wrong; an answer without a score is no evidence."""
    (winner, *_) = rank_probes(done) or done.probes
    answers = [item.answers[0] for item in load_rollout(context, commit.probe_key(done.iteration, winner.name)).items]
    return [not isinstance(given.score, Unscored) and given.score < 1.0 for given in answers]


def load_better_half(context: Context, done: Commit) -> Iterator[Rollout]:
    """The rollouts of the better half of the generators measured."""
    ranked = rank_probes(done)
    for probe in ranked[: (len(ranked) + 1) // 2]:
        yield load_rollout(context, commit.probe_key(done.iteration, probe.name))


def load_drafts(context: Context, done: Commit) -> Iterator[Rollout]:
    """What the generators wrote after their move."""
    for wanted in list_draft_requests(context, done):
        yield load_rollout(context, wanted.key)


def list_draft_requests(context: Context, done: Commit) -> Iterator[RolloutRequest]:
    """The rollouts to be made for a pool as released: of every generator where its move has brought it."""
    ready = search_setup.load(context)
    for number, position in enumerate(optimization.current_positions(optimization.from_json(done.swarm))):
        key = commit.rollout_key(f"iterations/{done.iteration + 1:04d}/drafts", f"p{number:02d}")
        yield RolloutRequest(
            key, ready.space.recipe(position).name, ("draft", done.iteration), ready.resolved.evaluation.items
        )


def load_rollout(context: Context, key: str) -> Rollout:
    """What stands at `key`. Raises StoreError if nothing does."""
    data = context.store.read(key)
    if data is None:
        raise StoreError(f"{key} is missing from the store, and a pool rests on it; restore it")
    return Rollout.from_bytes(data)
