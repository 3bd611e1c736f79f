"""Verifies a run from its store alone: checks every digest again, and repeats the search from its stored rollouts.

The experiment's identity gives the plan, the commits give the candidates and the values, and the rollouts are the
evidence. The rollouts are measured again, and the swarm is moved by these values. It must equal the committed swarm,
coefficient for coefficient, bit for bit.

Limits: no model is loaded and nothing is generated, so the texts in a rollout are taken as what its model wrote. If the
rollouts of a concluded run were pruned, its commits of those iterations are trusted too, and counted separately.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from swarm_core import commit
from swarm_core.api import resolution
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.commit import Commit, MeasuredCandidate
from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.work import Kind, Receipt, WorkItem
from swarm_core.experiment import Experiment
from swarm_core.optimizers import optimization
from swarm_core.ports import ArtifactStore, CorruptError, StoreError
from swarm_core.recipe import Digest, digest_bytes
from swarm_core.rollout import Rollout
from swarm_core.swarm_names import GENERATORS, RIVALS, TAKERS
from swarm_trainer.evaluation import trainer_program
from swarm_trainer.evaluation.trainer_program import TurnRules
from swarm_trainer.evaluation.turn import HELD_OUT_PURPOSE, Turn
from swarm_trainer.maintenance import retention
from swarm_trainer.run_store import commit_chain, experiments, pins, receipt_store, student_receipts
from swarm_trainer.runtime.context import Context
from swarm_trainer.stores import tree

REMEDY = "it was changed after it was written; restore the store from a copy, or start the run in another folder"


@dataclass(frozen=True, slots=True)
class VerificationResult:
    """The counts of a verification that found no fault."""

    experiment: Digest
    commits: int
    rollouts: int
    blobs: int
    last: Digest | None
    """The digest of the last commit, which identifies the whole search."""
    thinned: int = 0
    """The number of iterations whose rollouts were deleted: checked by digest, not measured again."""


def verify(store: ArtifactStore, scratch: Path, report: Callable[[str], None]) -> VerificationResult:
    """Verify the run in `store`, and `report` each part. Raises CorruptError or StoreError at the first fault."""
    manifest, experiment = experiments.load(store)
    resolved = load_spec(store, experiment)
    report("blobs")
    blobs = sum(1 for _ in walk_reachable(store, experiment, manifest))
    commits = list(commit_chain.walk(store))[::-1]
    context = Context(resolved, store, scratch, scratch, lambda _: None)
    rules = trainer_program.load_turns(resolved)
    for done in commits:
        report(f"iteration {done.iteration}")
        replay_turn(context, rules, done, manifest)
    kept = [done for done in commits if not retention.is_thinned(store, done.iteration)]
    rollouts, thinned = sum(len(done.candidates) + len(done.held_out) for done in kept), len(commits) - len(kept)
    return VerificationResult(
        experiment.digest, len(commits), rollouts, blobs, commits[-1].digest if commits else None, thinned
    )


def load_spec(store: ArtifactStore, experiment: Experiment) -> ResolvedSpec:
    """Load the part of the spec that is in the identity, with digests as locations. Raises CorruptError, StoreError."""
    data = store.read(pins.IDENTITY_KEY)
    if data is None:
        raise StoreError(
            f"{pins.IDENTITY_KEY}: missing from the store; restore it, because nothing can be replayed without it"
        )
    require(digest_bytes(data) == experiment.digest, f"{pins.IDENTITY_KEY} is not what the experimentDigest names")
    fields = {**json.loads(data)["spec"], "suspend": False, "storage": None, "execution": {}}
    resolved = resolution.load_resolved(fields)
    assert isinstance(resolved, ResolvedSpec)
    return resolved


def require_same_questions(where: str, done: Commit, turn: Turn, manifest: Digest) -> None:
    """Require that the commit `done` measured what `turn` asks for. Raises CorruptError, which names `where`."""
    require(done.experiment == manifest, f"{where} belongs to another experiment")
    require(done.iteration > 0 or done.parent == manifest, f"{where} does not follow the experiment")
    require(done.reference == turn.setup.reference, f"{where} compares with other answers to the reference set")
    require(done.basis == turn.setup.space.basis, f"{where} has another basis")
    committed = (done.swarm_name, done.opponents, done.pool)
    opponents, pool = tuple(recipe.name for recipe in turn.opponents), turn.pool.digest if turn.pool else None
    same_opponents = committed == (turn.swarm_name, opponents, pool)
    require(same_opponents, f"{where} was played against other models, or on another pool")
    asked = [(one.name, str(one.purpose), one.position) for one in optimization.ask(turn.swarm)]
    committed_candidates = [(one.name, one.purpose, one.position) for one in done.candidates]
    require(asked == committed_candidates, f"{where} asked other candidates than the swarm asks there")


def replay_turn(context: Context, rules: TurnRules, done: Commit, manifest: Digest) -> None:
    """Repeat a turn from its rollouts. Raises CorruptError if the commit differs.

    The turn depends on the commits before it, which have been replayed.
    """
    where, turn = commit.key(done.iteration), rules.load(context, done.iteration)
    require_same_questions(where, done, turn, manifest)
    keys = {candidate.name: commit.candidate_key(done.iteration, candidate.name) for candidate in done.candidates}
    measured = [remeasure(context.store, turn, keys[candidate.name], candidate) for candidate in done.candidates]
    candidates = recompose(turn, measured, measured)
    told = turn.setup.evaluator.list_fitness(candidates, turn.summarize_start(candidates))
    swarm = optimization.tell(turn.swarm, told)
    require(optimization.to_json(swarm) == done.swarm, f"{where} holds another swarm than its rollouts give")
    held_out = [
        remeasure(context.store, turn, rules.held_out_key(done.iteration, candidate.name), candidate)
        for candidate in done.held_out
    ]
    recompose(turn, held_out, candidates)


def remeasure(store: ArtifactStore, turn: Turn, key: str, candidate: MeasuredCandidate) -> MeasuredCandidate:
    """Measure the candidate again from its rollout. Raises CorruptError if its values are not the committed ones."""
    data = store.read(key)
    if data is None and retention.is_thinned(store, turn.index):
        return candidate
    require(data is not None and digest_bytes(data) == candidate.rollout, f"{key} is not the rollout its commit names")
    assert data is not None
    rollout, model = Rollout.from_bytes(data), turn.setup.space.recipe(candidate.position).name
    require(candidate.model == model, f"{key} is of another model than its position gives")
    if turn.pool is not None and candidate.purpose != HELD_OUT_PURPOSE:
        items = tuple(one.item for one in rollout.items)
        require(items == turn.pool.items, f"{key} answers other items than the pool holds")
    values = turn.setup.evaluator.measure([rollout], turn.index, candidate.name)
    require(values == candidate.values, f"{key} measures {values}, its commit says {candidate.values}")
    return candidate


def recompose(
    turn: Turn, candidates: Sequence[MeasuredCandidate], of_turn: Sequence[MeasuredCandidate]
) -> tuple[MeasuredCandidate, ...]:
    """Compose the fitness of `candidates` again from their values. Raises CorruptError if it is not the committed one.

    `of_turn` are the candidates of the turn. In a swarm's first turn, the fitness is composed with them.
    """
    composed = turn.setup.evaluator.add_fitness(candidates, turn.summarize_start(of_turn))
    for candidate, recomposed in zip(candidates, composed, strict=True):
        where = f"{commit.key(turn.index)}: the values of {candidate.name}"
        require(
            recomposed.fitness == candidate.fitness,
            f"{where} make a fitness of {recomposed.fitness}, not {candidate.fitness}",
        )
    return composed


def list_trees(experiment: Experiment, receipts: Iterable[Receipt]) -> set[Digest]:
    """Return the digests of all trees of files: the adapters that were given, and the outputs of `receipts`."""
    given_adapters = (*experiment.adapters, *experiment.for_swarm(TAKERS).adapters)
    trees = {
        *given_adapters,
        *(taker.adapter for taker in (*experiment.local_takers, *experiment.local_unseen) if taker.adapter),
    }
    for receipt in receipts:
        trees |= {digest for name, digest in receipt.outputs.items() if name in (Output.ADAPTER, Output.BUNDLE)}
    return trees


def walk_reachable(store: ArtifactStore, experiment: Experiment, manifest: Digest) -> Iterator[Digest]:
    """Fetch, check and yield every blob that the run depends on, and those that the receipts of finished items name.

    Raises CorruptError, StoreError.
    """
    yield fetch_blob(store, manifest)
    for swarm in (GENERATORS, TAKERS):
        yield fetch_blob(store, experiment.for_swarm(swarm).data)
    pinned = (experiment.reference, experiment.corpus, experiment.student_test, *(experiment.data_sets or {}).values())
    yield from (fetch_blob(store, digest) for digest in pinned if digest is not None)
    for done in commit_chain.walk(store):
        if done.pool is not None:
            yield fetch_blob(store, done.pool)
    receipts = list(list_receipts(store))
    results = [receipt.outputs[Output.RESULT] for receipt in receipts if Output.RESULT in receipt.outputs]
    yield from (fetch_blob(store, digest) for digest in results)
    for digest in sorted(list_trees(experiment, receipts)):
        yield fetch_blob(store, digest)
        entries = tree.from_bytes(digest, store.get(digest).read_bytes()).values()
        yield from (fetch_blob(store, entry.sha256) for entry in entries)


def list_receipts(store: ArtifactStore) -> Iterator[Receipt]:
    """Yield the existing receipts of trained adapters, of students and of the conclusion."""
    for swarm in (GENERATORS, TAKERS, RIVALS):
        index = 0
        while (receipt := receipt_store.load(store, WorkItem(Kind.TRAIN, swarm, index).key)) is not None:
            yield receipt
            index += 1
    yield from student_receipts.list_all(store)
    concluded = receipt_store.load(store, WorkItem(Kind.CONCLUDE).key)
    if concluded is not None:
        yield concluded


def fetch_blob(store: ArtifactStore, digest: Digest) -> Digest:
    """Fetch a blob, which checks its digest. Raises CorruptError, StoreError."""
    store.get(digest)
    return digest


def require(holds: bool, what: str) -> None:
    """Raise CorruptError with `what` unless `holds`."""
    if not holds:
        raise CorruptError(f"{what}: {REMEDY}")
