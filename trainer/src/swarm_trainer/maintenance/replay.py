"""Verify a run from its store alone: every digest again, and the search again from its stored rollouts.

The experiment's identity gives the plan, the commits what was asked and found, the rollouts the evidence. The swarm is
moved anew from measurements made anew; it must come out as committed, coefficient for coefficient, bit for bit.

Limits: no model is loaded and nothing is generated, so what a rollout says its model wrote is taken as written. Where a
concluded run was thinned, what its commits say of those iterations is taken as written too, and counted apart.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from swarm_core import commit
from swarm_core.api import resolution
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.commit import Commit, ProbeResult
from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.work import Kind, Receipt, WorkItem
from swarm_core.experiment import Experiment
from swarm_core.optimizers import optimization
from swarm_core.ports import ArtifactStore, CorruptError, StoreError
from swarm_core.recipe import Digest, digest_bytes
from swarm_core.rollout import Rollout
from swarm_core.swarm_names import GENERATORS, RIVALS, TAKERS
from swarm_trainer.evaluation import program
from swarm_trainer.evaluation.program import TurnRules
from swarm_trainer.evaluation.turn import HELD_OUT_PURPOSE, Turn
from swarm_trainer.maintenance import retention
from swarm_trainer.run_store import commit_chain, experiments, pins, receipt_store
from swarm_trainer.runtime.context import Context
from swarm_trainer.stores import tree

REMEDY = "it was changed after it was written; restore the store from a copy, or start the run in another place"


@dataclass(frozen=True, slots=True)
class VerificationResult:
    """What was gone through and found good."""

    experiment: Digest
    commits: int
    rollouts: int
    blobs: int
    last: Digest | None
    """The last commit, whose digest names the whole search."""
    thinned: int = 0
    """Iterations whose rollouts were given up: believed by their digests, not measured again."""


def verify(store: ArtifactStore, scratch: Path, heard: Callable[[str], None]) -> VerificationResult:
    """Go through the run in `store`. Raises CorruptError or StoreError at the first thing that does not hold.

    `heard` is told in a few words what comes next.
    """
    manifest, experiment = experiments.load(store)
    resolved = load_spec(store, experiment)
    heard("blobs")
    blobs = sum(1 for _ in walk_reachable(store, experiment, manifest))
    commits = list(commit_chain.walk(store))[::-1]
    rollouts = thinned = 0
    context = Context(resolved, store, scratch, scratch, lambda _: None)
    rules = program.load_turns(resolved)
    for one in commits:
        heard(f"iteration {one.iteration}")
        replay_turn(context, rules, one, manifest)
        given_up = retention.is_thinned(store, one.iteration)
        thinned += given_up
        rollouts += 0 if given_up else len(one.probes) + len(one.held_out)
    return VerificationResult(
        experiment.digest, len(commits), rollouts, blobs, commits[-1].digest if commits else None, thinned
    )


def load_spec(store: ArtifactStore, experiment: Experiment) -> ResolvedSpec:
    """The spec as far as it is identity, its places named by digests. Raises CorruptError, StoreError."""
    data = store.read(pins.IDENTITY_KEY)
    if data is None:
        raise StoreError(f"{pins.IDENTITY_KEY}: missing from the store; without it nothing can be replayed: restore it")
    require(digest_bytes(data) == experiment.digest, f"{pins.IDENTITY_KEY} is not what the experimentDigest names")
    fields = {**json.loads(data)["spec"], "suspend": False, "storage": None, "execution": {}}
    resolved = resolution.load_resolved(fields)
    assert isinstance(resolved, ResolvedSpec)
    return resolved


def replay_turn(context: Context, rules: TurnRules, one: Commit, manifest: Digest) -> None:
    """Move the swarm of a turn by its rollouts. Raises CorruptError when the commit says something else.

    The turn comes from the commits before, which have been replayed.
    """
    where, turn = commit.key(one.iteration), rules.load(context, one.iteration)
    require(one.experiment == manifest, f"{where} belongs to another experiment")
    require(one.iteration > 0 or one.parent == manifest, f"{where} does not follow the experiment")
    require(one.basis == turn.setup.space.basis, f"{where} rests on another basis")
    played = (one.moved, one.opponents, one.pool)
    opponents, pool = tuple(recipe.name for recipe in turn.opponents), turn.pool.digest if turn.pool else None
    require(played == (turn.moved, opponents, pool), f"{where} was played by others, or on another pool")
    asked = [(probe.name, str(probe.purpose), probe.position) for probe in optimization.ask(turn.swarm)]
    found = [(probe.name, probe.purpose, probe.position) for probe in one.probes]
    require(asked == found, f"{where} asked other probes than the swarm asks there")
    keys = {probe.name: commit.probe_key(one.iteration, probe.name) for probe in one.probes}
    measured = [remeasure(context.store, turn, keys[probe.name], probe) for probe in one.probes]
    probes = recompose(turn, measured, measured)
    swarm = optimization.tell(turn.swarm, {probe.name: probe.fitness for probe in probes})
    require(optimization.to_json(swarm) == one.swarm, f"{where} holds another swarm than its rollouts lead to")
    shown = [
        remeasure(context.store, turn, rules.held_out_key(one.iteration, probe.name), probe) for probe in one.held_out
    ]
    recompose(turn, shown, probes)


def remeasure(store: ArtifactStore, turn: Turn, key: str, probe: ProbeResult) -> ProbeResult:
    """The probe measured anew from its rollout. Raises CorruptError when it is not as committed."""
    data = store.read(key)
    if data is None and retention.is_thinned(store, turn.index):
        return probe
    require(data is not None and digest_bytes(data) == probe.rollout, f"{key} is not the rollout its commit names")
    assert data is not None
    rollout, model = Rollout.from_bytes(data), turn.setup.space.recipe(probe.position).name
    require(probe.model == model, f"{key} is of another model than its position gives")
    if turn.pool is not None and probe.purpose != HELD_OUT_PURPOSE:
        items = tuple(one.item for one in rollout.items)
        require(items == turn.pool.items, f"{key} answers other items than the pool holds")
    values = turn.setup.evaluator.measure([rollout], turn.index, probe.name)
    require(values == probe.values, f"{key} measures {values}, its commit says {probe.values}")
    return probe


def recompose(turn: Turn, probes: Sequence[ProbeResult], of_turn: Sequence[ProbeResult]) -> tuple[ProbeResult, ...]:
    """`probes` with their fitness composed anew from their values. Raises CorruptError when it is not as committed.

    `of_turn` are the probes of the turn, by which fitness is composed where the turn is a swarm's first.
    """
    found = turn.setup.evaluator.add_fitness(probes, turn.summarize_start(of_turn))
    for probe, anew in zip(probes, found, strict=True):
        where = f"{commit.key(turn.index)}: the values of {probe.name}"
        require(anew.fitness == probe.fitness, f"{where} make a fitness of {anew.fitness}, not {probe.fitness}")
    return found


def walk_reachable(store: ArtifactStore, experiment: Experiment, manifest: Digest) -> Iterator[Digest]:
    """Every blob the run rests on, each fetched and checked; what receipts name of items that are done, too."""
    yield fetch_blob(store, manifest)
    for swarm in (GENERATORS, TAKERS):
        yield fetch_blob(store, experiment.for_swarm(swarm).data)
    for one in commit_chain.walk(store):
        if one.pool is not None:
            yield fetch_blob(store, one.pool)
    given = (*experiment.adapters, *experiment.for_swarm(TAKERS).adapters)
    trees = {*given, *(taker.adapter for taker in experiment.local_takers if taker.adapter)}
    for receipt in list_receipts(store):
        trees |= {digest for name, digest in receipt.outputs.items() if name in (Output.ADAPTER, Output.BUNDLE)}
        if Output.RESULT in receipt.outputs:
            yield fetch_blob(store, receipt.outputs[Output.RESULT])
    for digest in sorted(trees):
        yield fetch_blob(store, digest)
        for entry in tree.from_bytes(digest, store.get(digest).read_bytes()).values():
            yield fetch_blob(store, entry.sha256)


def list_receipts(store: ArtifactStore) -> Iterator[Receipt]:
    """The receipts of every adapter trained, and of the conclusion, as far as they stand."""
    for swarm in (GENERATORS, TAKERS, RIVALS):
        index = 0
        while (receipt := receipt_store.load(store, WorkItem(Kind.TRAIN, swarm, index).key)) is not None:
            yield receipt
            index += 1
    concluded = receipt_store.load(store, WorkItem(Kind.CONCLUDE).key)
    if concluded is not None:
        yield concluded


def fetch_blob(store: ArtifactStore, digest: Digest) -> Digest:
    store.get(digest)
    return digest


def require(holds: bool, what: str) -> None:
    """Raises CorruptError, saying `what` does not hold."""
    if not holds:
        raise CorruptError(f"{what}: {REMEDY}")
