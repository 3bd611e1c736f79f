"""The pool of each round, from what the store holds: seed items at first, then what the generators write.

New items come from the better half of the generators measured in the round: they are stored already, answered by the
takers. As released, they are written anew by the generators after their move, whether those are any good or not; such
drafts must have been made (`draft`) before the pool can be told.
"""

from collections.abc import Iterator

from swarm_core import commit, pool
from swarm_core.commit import Commit, Probed
from swarm_core.objectives.cube import Unscored
from swarm_core.pool import Entry, Pool, Turnover
from swarm_core.ports import Solver, StoreError
from swarm_core.recipe import Digest, ModelName
from swarm_core.rollout import Rollout
from swarm_core.swarm import pso
from swarm_trainer.verbs import chain, setup
from swarm_trainer.verbs.context import Context
from swarm_trainer.verbs.gather import Wanted


def of(context: Context, number: int) -> Pool:
    """The pool of round `number`; the commits before it must stand. Raises StoreError."""
    game, seed = context.resolved.game, context.resolved.seed
    assert game is not None
    if number == 0:
        _, experiment = setup.manifested(context.store)
        items = setup.seed_data(context.store, experiment).pool
        return pool.first([entry(context, item, -1) for item in items], game.pool.size, seed)
    last, measured = (chain.standing(context.store, index) for index in (2 * number - 1, 2 * number))
    assert last.pool is not None
    before = load(context, last.pool)
    archive = pool.archived(before, missed(context, last), game.pool.archive)
    written = drafts(context, measured) if game.reference else better(context, measured)
    new = [entry(context, item.text, number, rollout.model) for rollout in written for item in rollout.items]
    rule = Turnover(game.pool.turnover, game.pool.revisited, game.pool.archive, seed)
    return pool.turned(before, archive, pool.admitted(before, archive, new), rule)


def load(context: Context, digest: Digest) -> Pool:
    return Pool.from_bytes(context.store.get(digest).read_bytes())


def entry(context: Context, text: str, number: int, model: ModelName | None = None) -> Entry:
    """The item of record, with the answer that the judge knows."""
    judge = setup.judge(context.resolved.judge)
    return Entry(text, number, model, judge.solution(text) if isinstance(judge, Solver) else None)


def best(done: Commit) -> list[Probed]:
    """The scored probes of a commit, best first; of equals the first asked."""
    scored = [(probe.fitness, probe) for probe in done.probes if probe.fitness is not None]
    return [probe for _, probe in sorted(scored, key=lambda one: -one[0])]


def missed(context: Context, done: Commit) -> list[bool]:
    """Whether the best taker of a commit got each item of its pool wrong; an answer without a score is no evidence."""
    (winner, *_) = best(done) or done.probes
    answers = [item.answers[0] for item in rollout(context, commit.probe_key(done.iteration, winner.name)).items]
    return [not isinstance(given.score, Unscored) and given.score < 1.0 for given in answers]


def better(context: Context, done: Commit) -> Iterator[Rollout]:
    """The rollouts of the better half of the generators measured."""
    ranked = best(done)
    for probe in ranked[: (len(ranked) + 1) // 2]:
        yield rollout(context, commit.probe_key(done.iteration, probe.name))


def drafts(context: Context, done: Commit) -> Iterator[Rollout]:
    """What the generators wrote after their move."""
    for wanted in draft(context, done):
        yield rollout(context, wanted.key)


def draft(context: Context, done: Commit) -> Iterator[Wanted]:
    """The rollouts to be made for a pool as released: of every generator where its move has brought it."""
    ready = setup.prepared(context)
    for number, particle in enumerate(pso.from_json(done.swarm).particles):
        key = commit.rollout_key(f"iterations/{done.iteration + 1:04d}/drafts", f"p{number:02d}")
        yield Wanted(key, ready.recipe(particle.position).name, ("draft", done.iteration), ready.items)


def rollout(context: Context, key: str) -> Rollout:
    """What stands at `key`. Raises StoreError if nothing does."""
    data = context.store.read(key)
    if data is None:
        raise StoreError(f"{key} is missing from the store, and a pool rests on it; restore it")
    return Rollout.from_bytes(data)
