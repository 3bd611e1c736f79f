"""Selects the items of a game's final evaluation: none that a round has seen, and each once.

A round has seen the seed data of both sides, the items of its pool and archive, everything that its generators wrote,
and the held-out items of the curve. Takers were chosen by these items or trained on them. Items are compared in
any spelling (`swarm_core.canonical_items`).
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from swarm_core import commit
from swarm_core.canonical_items import canonicalize_item, find_first_spellings
from swarm_core.commit import Commit
from swarm_core.item_pool import Pool
from swarm_core.items import Item
from swarm_core.ports import Judge
from swarm_core.programs.adversarial_run.resolved import find_game
from swarm_core.rollout import Rollout
from swarm_core.swarm_names import GENERATORS, TAKERS
from swarm_trainer.evaluation import run_parts
from swarm_trainer.programs.adversarial_run import held_out_evaluation, pools
from swarm_trainer.programs.adversarial_run.taker_comparison import ItemSet
from swarm_trainer.run_store import experiments
from swarm_trainer.runtime.context import Context


def collect_seen_forms(context: Context, commits: Iterable[Commit]) -> set[str]:
    """Return the canonical form of every item that a round of the game has seen. Raises StoreError."""
    judge = run_parts.build_judge(context.resolved)
    return {canonicalize_item(item, judge) for item in list_seen_items(context, commits)}


def list_seen_items(context: Context, commits: Iterable[Commit]) -> Iterator[Item]:
    """Yield every item that a round of the game has seen, with repetitions. Raises StoreError."""
    _, experiment = experiments.load(context.store)
    for swarm in (GENERATORS, TAKERS):
        yield from experiments.load_seed_data(context.store, experiment.for_swarm(swarm)).example_items
    yield from held_out_evaluation.load_real_items(context, held_out_evaluation.CURVE_HALF)
    for done in commits:
        if done.pool is not None:
            yield from list_pool_items(pools.load(context, done.pool))
        for key in list_rollout_keys(context, done):
            data = context.store.read(key)
            if data is not None:
                yield from (one.item for one in Rollout.from_bytes(data).items)


def list_pool_items(pool: Pool) -> Iterator[Item]:
    """Yield the items of a pool and of its archive."""
    yield from (entry.item for entry in chain(pool.entries, pool.archive))


def list_rollout_keys(context: Context, done: Commit) -> Iterator[str]:
    """Yield the keys of the rollouts that a turn wrote or measured."""
    yield from (commit.candidate_key(done.iteration, candidate.name) for candidate in done.candidates)
    yield from (held_out_evaluation.key(done.iteration, candidate.name) for candidate in done.held_out)
    game = find_game(context.resolved)
    if game is not None and game.reference and done.swarm_name == GENERATORS:
        yield from (request.key for request in pools.list_draft_requests(context, done))


def select_unseen(found: ItemSet, seen: set[str], judge: Judge) -> ItemSet:
    """Return the items whose canonical form is not in `seen`, each once."""
    first = find_first_spellings(found.items, judge)
    kept = [index for form, index in first.items() if form not in seen]
    return ItemSet(tuple(found.items[index] for index in kept), tuple(found.units[index] for index in kept))
