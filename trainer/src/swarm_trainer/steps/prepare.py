"""Prepares a run: reads, checks and pins every input, and refuses bad input before anything is trained.

Every input is named by the digest of its content. Adapters are copied into the store, so a run does not need their
folders afterwards. Base models stay in place, or in this machine's cache if they are remote, and are hashed again
before each use.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shutil import disk_usage

from swarm_core.api import parts, resolution
from swarm_core.api.resolution import ResolvedSpec, UriRole, UriUse
from swarm_core.api.resolved import ByKMeans, GivenAdapters, TrainedAdapters
from swarm_core.engine.receipt_fields import Output, Scalar
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.errors import BadInputError, name_subject
from swarm_core.experiment import Adversary, Experiment, PinnedTaker, SeedData
from swarm_core.items import Item
from swarm_core.recipe import Digest
from swarm_core.swarm_names import GENERATORS
from swarm_core.text import prompts
from swarm_trainer.data import clustering, data_splits
from swarm_trainer.data.data_splits import DataSplits
from swarm_trainer.data.seed_sample import SeedItem
from swarm_trainer.evaluation import run_parts
from swarm_trainer.lora import adapter, base_checks, signature
from swarm_trainer.lora.lora_layers import LoraSize
from swarm_trainer.lora.signature import Signature
from swarm_trainer.maintenance import fork
from swarm_trainer.rivals import comparison
from swarm_trainer.run_store import pins
from swarm_trainer.runtime import (
    engines,
    input_pins,
    inputs,
    layers,
    model_folders,
    prompt_length,
    remote_endpoints,
    text_classifiers,
)
from swarm_trainer.runtime.context import Context, Progress
from swarm_trainer.runtime.model_folders import BASE_FIELD
from swarm_trainer.sources.fetching import Pin
from swarm_trainer.steps import part_inputs, student_inputs

MIN_FREE_BYTES = 256 * 2**20
"""The free bytes required in addition to the adapters. The rollouts, commits and report of a long run need much
less."""


PreparedData = Mapping[str, SeedData]
"""The seed items of every swarm that moves, by the swarm's name."""


def run(item: WorkItem, context: Context) -> Receipt:
    """Pin the experiment. Everything that follows depends on its manifest. Raises BadInputError."""
    return pin_experiment(item, context)


def pin_experiment(
    item: WorkItem,
    context: Context,
    check: Callable[[PreparedData], None] | None = None,
    adversary: Callable[[PreparedData, Mapping[str, Digest]], Adversary] | None = None,
) -> Receipt:
    """Pin the experiment, with the additions of a kind of run.

    `check` refuses data that the rules of the kind cannot work with. `adversary` pins the takers that move, given the
    digest of every URI. Raises BadInputError, StoreError.
    """
    resolved = context.resolved
    code = parts.identify_parts(resolved)
    run_parts.check(resolved)
    student_inputs.check(resolved)
    comparison.check(resolved)
    engines.check(context)
    context.progress(Progress(item.key, "reading the inputs"))
    pinned = {use.uri: report_and_pin(use, item, context) for use in resolution.list_uris(resolved)}
    contents = pins.digests(pinned)
    splits, data = read_checked_data(context, check)
    experiment = Experiment(
        digest=resolution.experiment_digest(resolved, contents, code),
        base=contents[resolved.base.model],
        takers=tuple(remote_endpoints.pin_taker(taker, contents) for taker in resolved.takers),
        data=context.store.put(data[GENERATORS].to_bytes()),
        adapters=tuple(contents[uri] for uri in list_adapter_uris(resolved)),
        adversary=None if adversary is None else adversary(data, contents),
        reference=part_inputs.pin_reference(context, data[GENERATORS], splits.reference),
        corpus=part_inputs.pin_corpus(context, splits.corpus),
        data_sets=part_inputs.pin_data_sets(context),
        student_test=student_inputs.pin_test_items(context, data[GENERATORS]),
        unseen=tuple(remote_endpoints.pin_taker(taker, contents) for taker in resolved.unseen) or None,
    )
    check_unseen(experiment)
    identity = resolution.serialize_identity(resolved, contents, code)
    publish_experiment(context, pinned, identity, fork.prepare(context, experiment, identity))
    return build_receipt(item, context, experiment, data[GENERATORS], splits)


def check_unseen(experiment: Experiment) -> None:
    """Check that the search asks no taker with the files of an unseen one. Raises BadInputError, naming both."""
    known = {(taker.base, taker.adapter): taker.name for taker in experiment.local_takers}
    for index, taker in enumerate(experiment.unseen or ()):
        name = known.get((taker.base, taker.adapter)) if isinstance(taker, PinnedTaker) else None
        if name is not None:
            raise BadInputError(
                f"spec.evaluation.unseen[{index}]: {taker.name} has the same files as taker {name}, which the search"
                " asks; give a model that no taker has, or remove that taker from spec.takers"
            )


def read_checked_data(
    context: Context, check: Callable[[PreparedData], None] | None
) -> tuple[DataSplits, PreparedData]:
    """Read the splits of the generators' data and the seed data of every swarm, and check all that a run needs beside
    it. Raises BadInputError for the first fault."""
    resolved = context.resolved
    check_bases(context)
    check_adapters(context)
    text_classifiers.check(context, run_parts.build_judge(resolved))
    if resolved.swarm.per_layer:
        layers.check(model_folders.locate_base(context))
    splits = {swarm: read_splits(context, swarm) for swarm in resolved.swarms}
    data = {swarm: build_seed_data(context, swarm, splits[swarm]) for swarm in resolved.swarms}
    for swarm, seed_data in data.items():
        check_items(resolved.for_swarm(swarm), seed_data, swarm)
        for field, folder in model_folders.list_base_folders(context).items():
            prompt_length.check(resolved, field, folder, seed_data)
    if check is not None:
        check(data)
    check_disk(context)
    remote_endpoints.check(context)
    return splits[GENERATORS], data


def publish_experiment(context: Context, pinned: Mapping[str, Pin], identity: bytes, forked: fork.Fork | None) -> None:
    """Publish pins and identity, and what a fork copies after them. Raises BadInputError for another experiment."""
    pins.publish(context.store, pinned)
    pins.check_same_experiment(context.store.publish(pins.IDENTITY_KEY, identity), identity)
    if forked is not None:
        fork.publish(forked, context.store)


def build_receipt(
    item: WorkItem, context: Context, experiment: Experiment, data: SeedData, splits: DataSplits
) -> Receipt:
    """The receipt of a prepared experiment, whose manifest is stored now."""
    return Receipt(
        key=item.key,
        outputs={Output.EXPERIMENT: context.store.put(experiment.to_bytes())},
        scalars={
            "experimentDigest": experiment.digest,
            Scalar.CLUSTERS: ",".join(str(len(cluster)) for cluster in data.clusters),
            "held_out": len(data.held_out),
            "near_copies": splits.near_copies,
            "examples": len(data.examples),
            "overlaps_removed": sum(splits.removed.values()),
            "overlaps_allowed": sum(splits.allowed.values()),
        },
    )


def report_and_pin(use: UriUse, item: WorkItem, context: Context) -> Pin:
    """Report that a URI is read, and pin it. Raises BadInputError, StoreError."""
    context.progress(Progress(item.key, f"reading {use.uri}"))
    return input_pins.pin_input(use, context)


def check_bases(context: Context) -> None:
    """Check that every base can do what the run asks of it, by its files alone. Raises BadInputError."""
    resolved = context.resolved
    chat = prompts.TEMPLATES[resolved.base.template].chat
    origins = {swarm: resolved.for_swarm(swarm).generators.origin for swarm in resolved.swarms}
    trained = {swarm: origin for swarm, origin in origins.items() if isinstance(origin, TrainedAdapters)}
    for field, folder in model_folders.list_base_folders(context).items():
        with name_subject(field):
            base_checks.check_model(folder)
            base_checks.check_tokenizer(folder, chat=chat, trained=field == BASE_FIELD and bool(trained))
            engines.check_base(context, folder)
    for swarm, origin in trained.items():
        block = origin.training
        with name_subject(f"spec.{swarm}.training"):
            base_checks.check_targets(
                model_folders.locate_base(context), LoraSize(block.rank, block.alpha, block.target_modules)
            )


def check_adapters(context: Context) -> None:
    """Check that every adapter fits its base, and that those of one sum agree.

    Raises BadInputError naming the first that does not.
    """
    summed: dict[str, list[tuple[str, Signature]]] = {}
    for use in resolution.list_uris(context.resolved):
        if use.role in (UriRole.TAKER_ADAPTER, UriRole.GENERATOR_ADAPTER):
            adapter_signature = adapter.check_base(
                inputs.locate(use, context), locate_adapter_base(use, context), use.field
            )
            engines.check_adapter(context.resolved, use.field, adapter_signature.rank)
            if use.role is UriRole.GENERATOR_ADAPTER:
                summed.setdefault(use.swarm, []).append((use.field, adapter_signature))
    for together in summed.values():
        signature.require_common(together)


def locate_adapter_base(use: UriUse, context: Context) -> Path:
    """Return the folder of the model that an adapter belongs to."""
    model_field = use.field.removesuffix(".adapter") + ".model"
    other = [one for one in resolution.list_uris(context.resolved) if one.field == model_field]
    return inputs.locate(other[0], context) if other else model_folders.locate_base(context)


def list_adapter_uris(resolved: ResolvedSpec) -> tuple[str, ...]:
    """List the URIs of the adapters of a side that is given as adapters."""
    origin = resolved.generators.origin
    return origin.adapters if isinstance(origin, GivenAdapters) else ()


def read_seed_data(context: Context, swarm: str) -> SeedData:
    """Read the seed items of one side, split and clustered. Raises BadInputError."""
    return build_seed_data(context, swarm, read_splits(context, swarm))


def read_splits(context: Context, swarm: str) -> DataSplits:
    """Read the data of one side, and arrange it into splits that have nothing in common. Raises BadInputError."""
    resolved = context.resolved.for_swarm(swarm)
    found = {
        use.field: part_inputs.read_seed_items(context, use)
        for use in resolution.list_uris(context.resolved)
        if use.field in data_splits.list_fields(resolved, swarm)
    }
    splits = data_splits.arrange(resolved, swarm, found, run_parts.build_judge(resolved))
    context.progress(Progress("prepare", f"spec.{swarm}: {splits.describe()}"))
    return splits


def build_seed_data(context: Context, swarm: str, splits: DataSplits) -> SeedData:
    """Return the seed items of one side, clustered. Raises BadInputError."""
    origin = context.resolved.for_swarm(swarm).generators.origin
    clusters = (
        cluster_items(context, splits.training, swarm)
        if isinstance(origin, TrainedAdapters)
        else (list_items(splits.training),)
    )
    return SeedData(clusters, list_items(splits.held_out), list_items(splits.examples))


def list_items(found: Sequence[SeedItem]) -> tuple[Item, ...]:
    """Return the items of a split."""
    return tuple(seed.item for seed in found)


def cluster_items(context: Context, items: Sequence[SeedItem], swarm: str) -> tuple[tuple[Item, ...], ...]:
    """Divide `items` into as many clusters as the side has adapters, each large enough for training pairs.

    Raises BadInputError.
    """
    resolved = context.resolved.for_swarm(swarm)
    count, min_size = resolved.generators.count, 2 * resolved.generation.shots
    origin = resolved.generators.origin
    assert isinstance(origin, TrainedAdapters)
    texts = [seed.item.text for seed in items]
    if isinstance(origin.clusters, ByKMeans):
        embedder = build_embedder(origin.clusters, context, swarm)
        labels = clustering.cluster(texts, count, embedder, resolved.seed, min_size)
    else:
        labels = cluster_by_name(items, swarm, origin.clusters.name, count, min_size)
    return tuple(
        tuple(seed.item for seed, label in zip(items, labels, strict=True) if label == index) for index in range(count)
    )


def build_embedder(clusters: ByKMeans, context: Context, swarm: str) -> clustering.Embedder:
    """Build the embedder that the clustering of a side uses."""
    if clusters.embedder is None:
        return clustering.TfidfEmbedder()
    return clustering.ModelEmbedder(inputs.locate(find_use(context.resolved, UriRole.EMBEDDER, swarm), context))


def find_use(resolved: ResolvedSpec, role: UriRole, swarm: str) -> UriUse:
    """Find the one use of a URI in this role by one side."""
    return next(use for use in resolution.list_uris(resolved) if use.role is role and use.swarm == swarm)


def cluster_by_name(items: Sequence[SeedItem], swarm: str, field: str, count: int, min_size: int) -> tuple[int, ...]:
    """Cluster the items by the names in the data. Raises BadInputError if there are not exactly `count` names."""
    names = list(dict.fromkeys(item.cluster for item in items))
    if len(names) != count:
        raise BadInputError(
            f"spec.{swarm}.count: {count} {swarm}, but field {field!r} of the data names {len(names)} clusters;"
            f" set count to {len(names)} or clustering.type to KMeans"
        )
    labels = clustering.renumber([names.index(item.cluster) for item in items])
    clustering.check_sizes(labels, count, min_size)
    return labels


def check_items(resolved: ResolvedSpec, data: SeedData, swarm: str) -> None:
    """Check that the judge can judge the seed items, and that there are enough examples. Raises BadInputError."""
    judge = run_parts.build_judge(resolved)
    refusals = [(item, judge.refusal(item)) for item in data.example_items]
    refused = [(item, reason) for item, reason in refusals if reason is not None]
    if len(refused) * 2 > len(refusals):
        item, reason = refused[0]
        raise BadInputError(
            f"spec.judge: {remote_endpoints.judge_name(resolved)} cannot judge {len(refused)} of {len(refusals)}"
            f" seed items of spec.{swarm}.data, such as {item.text[:60]!r} ({reason}); choose a judge for this data or"
            " other data"
        )
    check = run_parts.build_answer_check(resolved, judge)
    fault = check and check.find_fault(data.example_items, len(resolved.takers))
    if fault:
        raise BadInputError(f"{parts.CHECK_FIELD}: {fault}")
    if len(data.shown_items) < resolved.generation.shots:
        source = "examples" if data.examples else "data"
        raise BadInputError(
            f"spec.generation.shots: {resolved.generation.shots} examples of {len(data.shown_items)} items of"
            f" spec.{swarm}.{source}; lower it, or give more items"
        )


def check_disk(context: Context) -> None:
    """Check that the store's disk has room for the run. Raises BadInputError with the figures."""
    context.cache.mkdir(parents=True, exist_ok=True)
    free = disk_usage(context.cache).free
    if free < MIN_FREE_BYTES:
        raise BadInputError(
            f"{context.cache}: {free / 2**20:.0f} MiB free, but a run needs {MIN_FREE_BYTES / 2**20:.0f}; free space or"
            " choose another --folder"
        )
