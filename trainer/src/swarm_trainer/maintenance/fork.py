"""Takes over another run's generators and first iterations, and continues from there: `spec.resumeFrom`.

A fork takes over evidence, not conclusions: the adapters and the rollouts, each checked against its digest in the other
run's chain. This run's own plan moves the swarm by them again, and the results are committed as this run's own
iterations. So the new chain begins at the new experiment, does not need the old store, and is replayed by `verify` like
any other chain. `fork_origin` records its source.

The specs may differ only in `ALLOWED_DIFFERENCES`: fields that no measurement of the search depends on. Two of them,
the number of iterations and the patience, may still move the swarm differently under some optimizers. Then the first
candidate that differs is found here, and the fork is refused. The other run is only read, and may still be running.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from swarm_core import commit
from swarm_core.api.execution import S3Storage
from swarm_core.api.resolved import ResolvedSpec, TrainedAdapters
from swarm_core.api.resuming import ResumeFrom
from swarm_core.commit import Commit, MeasuredCandidate
from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.work import Kind, Receipt, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.experiment import Experiment
from swarm_core.optimizers import optimization
from swarm_core.optimizers.optimizer import SearchState
from swarm_core.ports import ArtifactStore, CorruptError, StoreError
from swarm_core.recipe import Digest, digest_bytes
from swarm_core.swarm_names import GENERATORS
from swarm_core.text import prompts
from swarm_trainer.evaluation import reference_set, search_setup
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

ONLY_CONCLUDING = ("rivals", "unseen")
"""The fields of the identity that stand below `evaluation` in a file, and that only the conclusion reads."""
ALLOWED_DIFFERENCES = (
    "spec.swarm.iterations", "spec.swarm.patience", "spec.evaluation.finalists", "spec.evaluation.final",
    "spec.evaluation.reserve", "spec.evaluation.student", *(f"spec.{name}" for name in ONLY_CONCLUDING),
    *(f"{code}.spec.evaluation.{name}" for code in ("parts", "prompts") for name in ONLY_CONCLUDING),
)  # fmt: skip
"""The fields, with everything below them, in which the two specs may differ."""


@dataclass(frozen=True, slots=True)
class Fork:
    """The adapters and iterations that a run takes over, checked, with its own commits derived from them."""

    origin: ForkOrigin
    source: ArtifactStore
    adapter_receipts: tuple[Receipt, ...]
    commits: tuple[Commit, ...]
    """This run's own commits, from the first one on."""
    reference: bytes | None = None
    """The takers' answers to the reference set; None if the objective needs none."""


def prepare(context: Context, experiment: Experiment, identity: bytes) -> Fork | None:
    """Prepare what this run takes over; None if it starts anew. Stores the adapters, but publishes no name.

    Raises BadInputError naming the field for input that does not fit, StoreError, CorruptError.
    """
    resume = context.resolved.resume_from
    if resume is None:
        return None
    source = open_source_store(context, resume)
    try:
        _, source_experiment = experiments.load(source)
        check_identity(source, resume, identity)
        source_commits = load_commits(source, resume)
        receipts = tuple(list_adapter_receipts(source, context.resolved))
    except CorruptError:
        raise
    except StoreError as error:
        raise BadInputError(f"{RESUME_FIELD}.uri: {resume.uri!r}: {error}") from error
    basis = experiment.adapters or tuple(receipt.outputs[Output.ADAPTER] for receipt in receipts)
    for digest in basis:
        copy_tree(source, context.store, digest)
    setup = search_setup.build_search(context, digest_bytes(experiment.to_bytes()), experiment, basis)
    answers = None if experiment.reference is None else source.read(reference_set.KEY)
    if answers is not None:
        setup = reference_set.attach_answers(context.store, setup, answers)
    commits = tuple(derive_commits(source, setup, source_commits))
    return Fork(
        ForkOrigin(resume.uri, resume.iteration, source_experiment.digest, source_commits[-1].digest),
        source,
        receipts,
        commits,
        answers,
    )


def publish(fork: Fork, store: ArtifactStore) -> None:
    """Publish what was taken over as this run's own: the rollouts before the commits that need them. Safe to repeat.

    Raises StoreError if a rollout has changed since `prepare`.
    """
    fork_origin.publish(store, fork.origin)
    for receipt in fork.adapter_receipts:
        receipt_store.publish(store, receipt)
    if fork.reference is not None:
        store.publish(reference_set.KEY, fork.reference)
    for done in fork.commits:
        for candidate in done.candidates:
            key = commit.candidate_key(done.iteration, candidate.name)
            data = fork.source.read(key)
            if data is None or digest_bytes(data) != candidate.rollout:
                raise StoreError(f"{RESUME_FIELD}.uri: {key} was changed while it was taken over; run again")
            store.publish(key, data)
        commit_chain.append(store, done)


def open_source_store(context: Context, resume: ResumeFrom) -> ArtifactStore:
    """Open the other run's store. Raises BadInputError, StoreError."""
    return store_location.open_store(locate_source(context, resume), context.cache)


def locate_source(context: Context, resume: ResumeFrom) -> StoreLocation:
    """Return the location of the other run's store. Raises BadInputError if its folder holds no run."""
    if source_uri.is_remote(resume.uri):
        from swarm_trainer.sources import bucket_source  # noqa: PLC0415 (boto3 loads slowly)

        at = source_uri.parse(resume.uri)
        assert isinstance(at, source_uri.BucketObject)  # validation has checked the form of the URI
        storage = context.resolved.storage
        known = bucket_source.resolve_storage(at, storage if isinstance(storage, S3Storage) else None)
        return known.model_copy(update={"prefix": at.key})
    folder = inputs.resolve_path(resume.uri, context.base_folder) / "store"
    if not folder.is_dir():
        raise BadInputError(
            f"{RESUME_FIELD}.uri: {resume.uri!r} holds no run; give the folder that `dataswarm run` printed"
        )
    return folder


def check_identity(source: ArtifactStore, resume: ResumeFrom, identity: bytes) -> None:
    """Check that the two experiments differ only in `ALLOWED_DIFFERENCES`.

    Raises BadInputError naming the other differences, StoreError.
    """
    stored = source.read(pins.IDENTITY_KEY)
    if stored is None:
        raise StoreError(f"{pins.IDENTITY_KEY}: missing, so the experiment of that store is unknown; give another run")
    there, here = json.loads(stored), json.loads(identity)
    differences = [one for name in here for one in spec_diff.list_differences(there[name], here[name], name)]
    refused = [f"{path} is {old} there and {new} here" for path, old, new in differences if not may_differ(path)]
    if refused:
        raise BadInputError(
            f"{RESUME_FIELD}.uri: {resume.uri!r} is another search: {'; '.join(refused[:3])}; undo the change, or"
            f" start anew"
        )


def may_differ(path: str) -> bool:
    """Return whether the two specs may differ in the field at `path`.

    If only one of them has the prompts of a style, only unseen takers are asked in it.
    """
    styles = (f"prompts.{style}" for style in prompts.PromptStyle)
    return path in styles or any(
        path == field or path.startswith((f"{field}.", f"{field}[")) for field in ALLOWED_DIFFERENCES
    )


def load_commits(source: ArtifactStore, resume: ResumeFrom) -> list[Commit]:
    """Load the other run's commits up to the requested iteration, the first one first.

    Raises BadInputError, CorruptError.
    """
    commits = list(commit_chain.walk(source))[::-1]
    if resume.iteration >= len(commits):
        last = f"its last is {len(commits) - 1}" if commits else "it has none yet"
        raise BadInputError(f"{RESUME_FIELD}.iteration: {resume.uri!r} has no iteration {resume.iteration}; {last}")
    for done in commits[: resume.iteration + 1]:
        if retention.is_thinned(source, done.iteration):
            raise BadInputError(
                f"{RESUME_FIELD}.uri: {resume.uri!r} no longer has its rollouts of iteration {done.iteration}"
                " (dataswarm gc --keep), and a fork needs them; start anew"
            )
    return commits[: resume.iteration + 1]


def list_adapter_receipts(source: ArtifactStore, resolved: ResolvedSpec) -> Iterator[Receipt]:
    """Yield the receipts of the generators that the other run trained. Raises StoreError."""
    if not isinstance(resolved.generators.origin, TrainedAdapters):
        return
    for index in range(resolved.generators.count):
        key = WorkItem(Kind.TRAIN, GENERATORS, index).key
        receipt = receipt_store.load(source, key)
        if receipt is None:
            raise StoreError(f"the receipt of {key} is missing, though iterations depend on it; give another run")
        yield receipt


def copy_tree(source: ArtifactStore, store: ArtifactStore, digest: Digest) -> None:
    """Copy a folder of another store into this one, its files before its manifest. Raises StoreError, CorruptError."""
    manifest = source.get(digest)
    for entry in tree.from_bytes(digest, manifest.read_bytes()).values():
        store.put(source.get(entry.sha256))
    store.put(manifest)


def remeasure_candidates(source: ArtifactStore, turn: Turn, done: Commit) -> tuple[MeasuredCandidate, ...]:
    """Measure the candidates of the commit `done` again for `turn`, from the rollouts in `source`."""
    measured = [
        replay.remeasure(source, turn, commit.candidate_key(done.iteration, candidate.name), candidate)
        for candidate in done.candidates
    ]
    return replay.recompose(turn, measured, measured)


def derive_commits(source: ArtifactStore, setup: SearchSetup, source_commits: list[Commit]) -> Iterator[Commit]:
    """Derive this run's commits from the other run's rollouts.

    Raises BadInputError if this run would have asked for other candidates, StoreError, CorruptError.
    """
    swarm, parent = optimization.start(setup.plan), setup.manifest
    first: tuple[MeasuredCandidate, ...] | None = None
    for source_commit in source_commits:
        check_probes(swarm, source_commit)
        turn = Turn(setup, source_commit.iteration, swarm, first=first)
        candidates = remeasure_candidates(source, turn, source_commit)
        first = first or candidates
        told = setup.evaluator.list_fitness(candidates, turn.summarize_start(candidates))
        swarm = optimization.tell(swarm, told)
        basis, text = setup.space.basis, optimization.to_json(swarm)
        own = Commit(
            setup.manifest,
            source_commit.iteration,
            parent,
            basis,
            text,
            candidates,
            reference=setup.reference,
            kind=source_commit.kind,
        )
        yield own
        parent = own.digest


def check_probes(swarm: SearchState, done: Commit) -> None:
    """Check that the swarm asks for the candidates of the other run. Raises BadInputError."""
    asked = [(candidate.name, str(candidate.purpose), candidate.position) for candidate in optimization.ask(swarm)]
    if asked != [(candidate.name, candidate.purpose, candidate.position) for candidate in done.candidates]:
        raise BadInputError(
            f"{RESUME_FIELD}.iteration: with spec.swarm.iterations {swarm.plan.iterations} and patience"
            f" {swarm.plan.patience}"
            f" the search asks other candidates in iteration {done.iteration} than the run that it resumes; keep both"
            f" values of that run, or resume from an iteration before {done.iteration}"
        )
