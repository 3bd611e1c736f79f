"""Take over another run's generators and first iterations, and go on from there: `spec.resumeFrom`.

What is taken over is evidence, not conclusions: the adapters and the rollouts, each checked against the digest that the
other run's chain gives it. The swarm is moved anew from them by this run's own plan, and what comes out is committed as
this run's own iterations. So the new chain begins at the new experiment, stands without the old store, and is replayed
by `verify` like any other; where it came from is said in `fork_origin`.

The specs may differ in `ALLOWED_DIFFERENCES` alone: fields that no measurement of the search depends on. Of those the
number of iterations and patience may still move the swarm elsewhere, under some rules; then the first candidate that
differs is found here, and the fork refused. The other run is only read, and may still be going on.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from swarm_core import commit
from swarm_core.api.execution import S3Storage
from swarm_core.api.resolved import ResolvedSpec, TrainedAdapters
from swarm_core.api.resuming import ResumeFrom
from swarm_core.commit import Commit, ProbeResult
from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.work import Kind, Receipt, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.experiment import Experiment
from swarm_core.optimizers import optimization
from swarm_core.optimizers.optimizer import SearchState
from swarm_core.ports import ArtifactStore, CorruptError, StoreError
from swarm_core.recipe import Digest, digest_bytes
from swarm_core.swarm_names import GENERATORS
from swarm_trainer.evaluation import search_setup
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.evaluation.turn import Turn
from swarm_trainer.maintenance import fork_origin, replay, retention, spec_diff
from swarm_trainer.maintenance.fork_origin import RESUME_FIELD, ForkOrigin
from swarm_trainer.run_store import commit_chain, experiments, pins, receipt_store
from swarm_trainer.runtime import inputs
from swarm_trainer.runtime.context import Context
from swarm_trainer.sources import source_uri
from swarm_trainer.stores import store_location, tree
from swarm_trainer.stores.store_location import StoreLocation

ALLOWED_DIFFERENCES = (
    "spec.swarm.iterations", "spec.swarm.patience", "spec.evaluation.finalists", "spec.evaluation.final",
    "spec.evaluation.reserve",
)  # fmt: skip
"""Fields, with all below them, in which the two specs may differ."""


@dataclass(frozen=True, slots=True)
class Fork:
    """What is taken over, checked and derived anew."""

    origin: ForkOrigin
    source: ArtifactStore
    adapter_receipts: tuple[Receipt, ...]
    commits: tuple[Commit, ...]
    """This run's own, from the first."""


def prepare(context: Context, experiment: Experiment, identity: bytes) -> Fork | None:
    """What this run takes over; None if it starts anew. Keeps adapters, and gives no name to anything.

    Raises BadInputError naming the field for what does not fit, StoreError, CorruptError.
    """
    wanted = context.resolved.resume_from
    if wanted is None:
        return None
    source = open_source(context, wanted)
    try:
        _, standing = experiments.load(source)
        check_identity(source, wanted, identity)
        theirs = load_commits(source, wanted)
        seeded = tuple(list_adapter_receipts(source, context.resolved))
    except CorruptError:
        raise
    except StoreError as error:
        raise BadInputError(f"{RESUME_FIELD}.uri: {wanted.uri!r}: {error}") from error
    basis = experiment.adapters or tuple(receipt.outputs[Output.ADAPTER] for receipt in seeded)
    for digest in basis:
        copy_tree(source, context.store, digest)
    ready = search_setup.build(context, digest_bytes(experiment.to_bytes()), experiment, basis)
    commits = tuple(derive_commits(source, ready, theirs))
    return Fork(ForkOrigin(wanted.uri, wanted.iteration, standing.digest, theirs[-1].digest), source, seeded, commits)


def publish(fork: Fork, store: ArtifactStore) -> None:
    """Make what was taken over this run's own: rollouts before the commits that rest on them. Safe to do again."""
    fork_origin.publish(store, fork.origin)
    for receipt in fork.adapter_receipts:
        store.publish(receipt_store.key(receipt.key), receipt.to_bytes())
    for one in fork.commits:
        for probe in one.probes:
            key = commit.probe_key(one.iteration, probe.name)
            data = fork.source.read(key)
            if data is None or digest_bytes(data) != probe.rollout:
                raise StoreError(f"{RESUME_FIELD}.uri: {key} was changed while it was taken over; run again")
            store.publish(key, data)
        commit_chain.append(store, one)


def open_source(context: Context, wanted: ResumeFrom) -> ArtifactStore:
    """The other run's store. Raises BadInputError, StoreError."""
    return store_location.open_store(locate_source(context, wanted), context.cache)


def locate_source(context: Context, wanted: ResumeFrom) -> StoreLocation:
    """Where the other run's store is."""
    if source_uri.is_remote(wanted.uri):
        from swarm_trainer.sources import bucket_source  # noqa: PLC0415 (boto3 takes a while, and most runs need none)

        at = source_uri.parse(wanted.uri)
        assert isinstance(at, source_uri.BucketObject)  # as its form was checked
        storage = context.resolved.storage
        known = bucket_source.resolve_storage(at, storage if isinstance(storage, S3Storage) else None)
        return known.model_copy(update={"prefix": at.key})
    folder = inputs.resolve_path(wanted.uri, context.base_folder) / "store"
    if not folder.is_dir():
        raise BadInputError(
            f"{RESUME_FIELD}.uri: {wanted.uri!r} holds no run; give the folder that `dataswarm run` named"
        )
    return folder


def check_identity(source: ArtifactStore, wanted: ResumeFrom, identity: bytes) -> None:
    """The two experiments differ in `ALLOWED_DIFFERENCES` alone. Raises BadInputError naming what else differs,
    StoreError.
    """
    theirs = source.read(pins.IDENTITY_KEY)
    if theirs is None:
        raise StoreError(f"{pins.IDENTITY_KEY}: missing, so nobody can say what it searched; give another run")
    there, here = json.loads(theirs), json.loads(identity)
    found = [one for name in here for one in spec_diff.list_differences(there[name], here[name], name)]
    refused = [f"{path} is {old} there and {new} here" for path, old, new in found if not may_differ(path)]
    if refused:
        raise BadInputError(
            f"{RESUME_FIELD}.uri: {wanted.uri!r} is another search: {'; '.join(refused[:3])}; undo the change, or"
            f" start anew"
        )


def may_differ(path: str) -> bool:
    return any(path == field or path.startswith(f"{field}.") for field in ALLOWED_DIFFERENCES)


def load_commits(source: ArtifactStore, wanted: ResumeFrom) -> list[Commit]:
    """The other run's commits up to the iteration wanted, the first one first. Raises BadInputError, CorruptError."""
    found = list(commit_chain.walk(source))[::-1]
    if wanted.iteration >= len(found):
        last = f"its last is {len(found) - 1}" if found else "it has none yet"
        raise BadInputError(f"{RESUME_FIELD}.iteration: {wanted.uri!r} has no iteration {wanted.iteration}; {last}")
    for one in found[: wanted.iteration + 1]:
        if retention.is_thinned(source, one.iteration):
            raise BadInputError(
                f"{RESUME_FIELD}.uri: {wanted.uri!r} gave up its rollouts of iteration {one.iteration} (dataswarm"
                f" gc --keep),"
                " and a fork rests on them; start anew"
            )
    return found[: wanted.iteration + 1]


def list_adapter_receipts(source: ArtifactStore, resolved: ResolvedSpec) -> Iterator[Receipt]:
    """The receipts of the generators that the other run trained. Raises StoreError."""
    if not isinstance(resolved.generators.origin, TrainedAdapters):
        return
    for index in range(resolved.generators.count):
        key = WorkItem(Kind.TRAIN, GENERATORS, index).key
        receipt = receipt_store.load(source, key)
        if receipt is None:
            raise StoreError(f"the receipt of {key} is missing, though iterations rest on it; give another run")
        yield receipt


def copy_tree(source: ArtifactStore, store: ArtifactStore, digest: Digest) -> None:
    """Keep another store's folder in this one, its files before its manifest."""
    manifest = source.get(digest)
    for entry in tree.from_bytes(digest, manifest.read_bytes()).values():
        store.put(source.get(entry.sha256))
    store.put(manifest)


def derive_commits(source: ArtifactStore, ready: SearchSetup, theirs: list[Commit]) -> Iterator[Commit]:
    """This run's commits, from the other's rollouts. Raises BadInputError where this run would have asked others."""
    swarm, parent = optimization.start(ready.plan), ready.manifest
    first: tuple[ProbeResult, ...] | None = None
    for one in theirs:
        check_probes(swarm, one)
        turn = Turn(ready, one.iteration, swarm, first=first)
        keys = {probe.name: commit.probe_key(one.iteration, probe.name) for probe in one.probes}
        measured = [replay.remeasure(source, turn, keys[probe.name], probe) for probe in one.probes]
        found = replay.recompose(turn, measured, measured)
        first = first or found
        swarm = optimization.tell(swarm, {probe.name: probe.fitness for probe in found})
        place = (ready.manifest, one.iteration, parent)
        own = Commit(*place, ready.space.basis, optimization.to_json(swarm), found, kind=one.kind)
        yield own
        parent = own.digest


def check_probes(swarm: SearchState, one: Commit) -> None:
    """Raises BadInputError unless the swarm asks what the other run asked."""
    asked = [(probe.name, str(probe.purpose), probe.position) for probe in optimization.ask(swarm)]
    if asked != [(probe.name, probe.purpose, probe.position) for probe in one.probes]:
        raise BadInputError(
            f"{RESUME_FIELD}.iteration: with spec.swarm.iterations {swarm.plan.iterations} and patience"
            f" {swarm.plan.patience}"
            f" the search asks other candidates in iteration {one.iteration} than the run it goes on from; keep both as"
            f" they were there, or take an iteration before {one.iteration}"
        )
