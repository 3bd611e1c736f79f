"""Settle a game: measure both sides on items that no round has seen, and play every round against every other.

Takers       the last round's best against every initial one, on the same items: the real ones kept for the verdict, new
             ones of the rivals, and those that the game itself brought forth.
Generators   the last round's best against every initial one, for the initial takers (`court`).

Nothing is chosen here, so nothing is flattered: the last round's best is what the game believes in (the next one, where
final items cannot measure it), and the initial one that does best on the very items that decide is the baseline.
"""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from swarm_core import commit, contest
from swarm_core.commit import Commit
from swarm_core.engine.receipts import Output, Scalar, Stop
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.objectives import paired
from swarm_core.objectives.cube import Score, Unscored
from swarm_core.pool import Pool
from swarm_core.ports import Inference, StoreError
from swarm_core.recipe import Digest, Recipe
from swarm_core.rollout import Rollout
from swarm_core.sides import TAKERS
from swarm_core.swarm import pso, streams
from swarm_trainer.report import adversarial, duel, rounds
from swarm_trainer.report.adversarial import Subject
from swarm_trainer.report.duel import Duel, Truth
from swarm_trainer.report.result import Origin
from swarm_trainer.report.verdict import Interval, Verdict
from swarm_trainer.stores import tree
from swarm_trainer.verbs import chain, efforts, gather, lanes, pools, setup, stops, turns, witness
from swarm_trainer.verbs.context import Context, Progress
from swarm_trainer.verbs.court import Court, entrants
from swarm_trainer.verbs.gather import Wanted

GAME = "game"
"""The items of every round's best generator."""


@dataclass(frozen=True, slots=True)
class Played:
    """A game that is over."""

    generators: tuple[Commit, ...]
    takers: tuple[Commit, ...]
    """By round; none of the last where the generators ended the game."""

    @property
    def last(self) -> Commit:
        return self.takers[-1] if len(self.takers) == len(self.generators) else self.generators[-1]


def run(item: WorkItem, context: Context) -> Receipt:
    """Measure, play, store."""
    commits = list(chain.walk(context.store))[::-1]
    played = Played(tuple(commits[0::2]), tuple(commits[1::2]))
    verdict = of_generators(item, context, played)
    ours = of_takers(item, context, played, verdict)
    bundle, digest = bundled(context, played, ours)
    real = ours.truths[0].gain
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


def of_generators(item: WorkItem, context: Context, played: Played) -> Verdict:
    """The last best generator and the initial ones, on fresh items, for the initial takers."""
    takers = turns.initial(context)
    named = tuple((f"t{index:02d}", recipe.name) for index, recipe in enumerate(takers))
    ready = setup.prepared(context)
    ready = replace(ready, exam=replace(ready.exam, takers=named), facing=takers)
    swarm = pso.from_json(played.generators[-1].swarm)
    ranked = entrants(pso.finalists(swarm, ready.finalists))
    if not ranked:
        raise StoreError("no generator was ever scored in the last round; see its rollouts")
    verdict = Court(item, context, ready).verdict(ranked, swarm, played.generators)
    stop = stops.stopped(context, played.last, pso.from_json(played.last.swarm))
    return replace(verdict, stop=stop or str(Stop.ITERATIONS))


def of_takers(item: WorkItem, context: Context, played: Played, verdict: Verdict) -> Duel:
    """The takers' part: three truths about the last one, and every round against every other."""
    game = [hardest(context, done) for done in played.generators]
    items = {
        witness.REAL: witness.real(context, witness.VERDICT),
        witness.RIVAL: rivals(item, context),
        GAME: tuple(text for texts in game for text in texts),
    }
    initial = {f"t{index:02d}": recipe for index, recipe in enumerate(turns.initial(context))}
    leaders = {f"r{number:03d}": turns.leader(context, done) for number, done in enumerate(played.takers)}
    final = list(leaders)[-1]
    papers = [(name, source) for name in [*initial, final] for source in items]
    papers += [(name, GAME) for name in leaders if name != final]
    scores = answered(item, context, {**initial, **leaders}, papers, items)
    matrix = tuple(zip(*(wins(scores[name, GAME], game) for name in leaders), strict=True))
    return Duel(
        generators=verdict,
        truths=tuple(truth(context, source, scores, list(initial), final) for source in items),
        rounds=rounds.told(played.generators, played.takers, [pool_of(context, done) for done in played.takers]),
        matrix=matrix,
        ratings=contest.elo(matrix),
        examples=tuple(texts[: duel.EXAMPLES] for texts in game),
    )


def hardest(context: Context, done: Commit) -> tuple[str, ...]:
    """The items of the best generator of a commit."""
    (winner, *_) = pools.best(done) or done.probes
    rollout = pools.rollout(context, commit.probe_key(done.iteration, winner.name))
    return tuple(one.text for one in rollout.items)


def rivals(item: WorkItem, context: Context) -> tuple[str, ...]:
    """New items of the rivals, of every final seed, each once."""
    final = context.resolved.evaluation.final
    drawn = [witness.written(context, item.key, ("final", seed, "rivals"), final.items) for seed in range(final.seeds)]
    return tuple(dict.fromkeys(text for texts in drawn for text in texts))


def answered(
    item: WorkItem,
    context: Context,
    models: Mapping[str, Recipe],
    papers: Sequence[tuple[str, str]],
    items: Mapping[str, tuple[str, ...]],
) -> dict[tuple[str, str], tuple[Score, ...]]:
    """The scores of each (taker, source) of `papers`, [item]."""
    ready = setup.prepared(context, TAKERS)

    def sitting(name: str, source: str) -> lanes.Job[Rollout]:
        key = commit.rollout_key("final/takers", f"{name}-{source}")
        wanted = Wanted(key, models[name].name, ("final", "takers", source), items[source])
        return lambda engine: gather.gather(context.store, ready.exam, engine, wanted, context.meter)[1]

    engines: Sequence[Inference] = ready.serving(context, list(models.values()))
    found = {}
    for paper, rollout in zip(papers, lanes.spread(engines, [sitting(*paper) for paper in papers]), strict=True):
        found[paper] = tuple(one.answers[0].score for one in rollout.items)
        note, effort = "takers answer for the last time", efforts.report(context)
        context.progress(Progress(item.key, note, len(found), len(papers), rollout.tokens, effort=effort))
    return found


def truth(
    context: Context, source: str, scores: Mapping[tuple[str, str], Sequence[Score]], initial: list[str], final: str
) -> Truth:
    """The last taker against the best initial one on the items of `source`."""
    coverage = context.resolved.evaluation.coverage
    seed = streams.seed(context.resolved.seed, "bootstrap", "takers", source)
    found = {name: paired.difference(scores[final, source], scores[name, source], coverage, seed) for name in initial}
    baseline = min(found, key=lambda name: (found[name].value, name))
    gap = found[baseline]
    means = dict(gap.parts)
    return Truth(source, gap.n, baseline, means["second"], means["first"], Interval(gap.value, gap.low, gap.high))


def wins(scores: Sequence[Score], game: Sequence[Sequence[str]]) -> list[float]:
    """What each round's generator wins against one taker: the share of its items that the taker gets wrong."""
    found, start = [], 0
    for texts in game:
        told = [one for one in scores[start : start + len(texts)] if not isinstance(one, Unscored)]
        if not told:
            raise StoreError("a round's items have no scored answer at all; see the rollouts under final/takers")
        found.append(1.0 - sum(told) / len(told))
        start += len(texts)
    return found


def pool_of(context: Context, done: Commit) -> Pool:
    assert done.pool is not None
    return pools.load(context, done.pool)


def bundled(context: Context, played: Played, ours: Duel) -> tuple[Digest, Digest]:
    """Store what the game leaves; the digests of the bundle and of its result.json."""
    context.cache.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="conclude.", dir=context.cache))
    try:
        write(folder, context, played, ours)
        return tree.put_tree(context.store, folder), context.store.put(folder / "result.json")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write(folder: Path, context: Context, played: Played, ours: Duel) -> None:
    """The bundle's files."""
    ready, takers = setup.prepared(context), setup.prepared(context, TAKERS)
    commits = sorted((*played.generators, *played.takers), key=lambda done: done.iteration)
    pool = pool_of(context, played.takers[-1])
    origin = Origin(ready.experiment, ready.exam.seed, played.last.digest)
    about = Subject(ready.exam.domain, origin, tuple(commits), pool)
    adversarial.write(folder, about, ours)
    ready.export(context, ours.generators.best.position, folder / "adapter")
    last = played.takers[-1]
    best = pso.best(pso.from_json(last.swarm))
    assert best is not None  # `turns.leader` has found it
    replace(takers, basis=last.basis).export(context, best.position, folder / "taker")
