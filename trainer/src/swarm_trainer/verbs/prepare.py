"""Prepare a run: read, check and pin every input, and refuse here whatever can be refused before anything is trained.

Every input is named by the digest of what it holds. Adapters are copied into the store, so a run does not depend on
their folders afterwards; base models stay where they are and are hashed again before each use.
"""

from collections.abc import Mapping, Sequence
from shutil import disk_usage

from swarm_core.api import defaults
from swarm_core.api.defaults import ResolvedSpec, Role, Use
from swarm_core.api.resolved import ByKMeans, Given, Trained
from swarm_core.engine import search
from swarm_core.engine.receipts import Output, Scalar
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.experiment import Adversary, Experiment, SeedData, Taker
from swarm_core.judges import registry as judges
from swarm_core.recipe import Digest, canonical_json, digest_bytes
from swarm_core.sides import GENERATORS, TAKERS
from swarm_trainer.data import clustering, seeds
from swarm_trainer.lora import adapter, signature
from swarm_trainer.stores import tree
from swarm_trainer.verbs import engines, fair, layers, pins, places, setup, tokens
from swarm_trainer.verbs.context import Context, Progress

HEADROOM = 256 * 2**20
"""Free bytes asked for beside the adapters: rollouts, commits and the report of a long run stay well under it."""


def run(item: WorkItem, context: Context) -> Receipt:
    """Pin the experiment; its manifest is the root of everything that follows."""
    resolved = context.resolved
    engines.check(resolved)
    context.progress(Progress(item.key, "reading the inputs"))
    contents = {use.uri: digested(use, context) for use in defaults.uris(resolved)}
    check_adapters(context)
    if resolved.swarm.per_layer:
        layers.check(setup.base_folder(context))
    data = {swarm: seed_data(context, swarm) for swarm in search.moving(resolved)}
    for swarm, found in data.items():
        check_items(search.side(resolved, swarm), found, swarm)
        tokens.check(resolved, setup.base_folder(context), found)
    if resolved.game:
        fair.check(resolved, data[GENERATORS], data[TAKERS])
    check_disk(context)
    experiment = Experiment(
        digest=defaults.experiment_digest(resolved, contents),
        base=contents[resolved.base.model],
        takers=tuple(
            Taker(taker.name, contents[taker.model], contents[taker.adapter] if taker.adapter else None)
            for taker in resolved.takers
        ),
        data=context.store.put(data[GENERATORS].to_bytes()),
        adapters=tuple(contents[uri] for uri in given(resolved)),
        adversary=adversary(context, data[TAKERS], contents) if resolved.game else None,
    )
    refuse_change(contents, context.store.publish(pins.KEY, canonical_json(contents)))
    identity = defaults.identity(resolved, contents)
    pins.refuse_another(context.store.publish(pins.IDENTITY, identity), identity)
    return Receipt(
        key=item.key,
        outputs={Output.EXPERIMENT: context.store.put(experiment.to_bytes())},
        scalars={
            "experimentDigest": experiment.digest,
            Scalar.CLUSTERS: ",".join(str(len(cluster)) for cluster in data[GENERATORS].clusters),
            "held_out": len(data[GENERATORS].held_out),
        },
    )


def adversary(context: Context, data: SeedData, contents: Mapping[str, Digest]) -> Adversary:
    """The takers that move, pinned."""
    adapters = given(search.side(context.resolved, TAKERS))
    return Adversary(context.store.put(data.to_bytes()), tuple(contents[uri] for uri in adapters))


def digested(use: Use, context: Context) -> Digest:
    """The digest of what lies at a URI; an adapter is copied into the store on the way."""
    match use.role:
        case Role.DATA:
            return digest_bytes(places.file(use.uri, context.base_folder, use.field).read_bytes())
        case Role.TAKER_ADAPTER | Role.GENERATOR_ADAPTER:
            folder = places.folder(use.uri, context.base_folder, use.field)
            adapter.load(folder)  # every tensor is read: one that is not finite would spoil each sum it is part of
            return tree.put_tree(context.store, folder)
        case Role.BASE | Role.TAKER_MODEL | Role.EMBEDDER:
            return tree.digest_tree(places.folder(use.uri, context.base_folder, use.field))


def check_adapters(context: Context) -> None:
    """Every adapter fits its base, and those that are to be summed agree. Raises BadInputError naming the first."""
    resolved = context.resolved
    base = setup.base_folder(context)
    for swarm in search.moving(resolved):
        summed = []
        for index, uri in enumerate(given(search.side(resolved, swarm))):
            field = f"spec.{swarm}.adapters[{index}]"
            found = adapter.read_signature(places.folder(uri, context.base_folder, field))
            signature.fits(base, found, field)
            summed.append((field, found))
        if summed:
            signature.agree(summed)
    for index, taker in enumerate(resolved.takers):
        if taker.adapter is not None:
            field = f"spec.takers[{index}].adapter"
            own = places.folder(taker.model, context.base_folder, f"spec.takers[{index}].model")
            signature.fits(own, adapter.read_signature(places.folder(taker.adapter, context.base_folder, field)), field)


def given(resolved: ResolvedSpec) -> tuple[str, ...]:
    """The URIs of a side given as adapters."""
    origin = resolved.generators.origin
    return origin.adapters if isinstance(origin, Given) else ()


def seed_data(context: Context, swarm: str) -> SeedData:
    """The seed items of one side, split and clustered."""
    resolved = search.side(context.resolved, swarm)
    data, origin = resolved.generators.data, resolved.generators.origin
    path = places.file(data.uri, context.base_folder, f"spec.{swarm}.data.uri")
    read = seeds.read(path, data.field, resolved.generators.cluster_field)
    kept, held_out = seeds.split(read.items, data.held_out, resolved.seed)
    clusters = clustered(context, kept, swarm) if isinstance(origin, Trained) else (tuple(item.text for item in kept),)
    return SeedData(clusters, tuple(item.text for item in held_out))


def clustered(context: Context, items: Sequence[seeds.Seed], swarm: str) -> tuple[tuple[str, ...], ...]:
    """`items` in as many clusters as the side has adapters, each large enough to make pairs from."""
    resolved = search.side(context.resolved, swarm)
    count, least = resolved.generators.count, 2 * resolved.generation.shots
    origin = resolved.generators.origin
    assert isinstance(origin, Trained)
    texts = [item.text for item in items]
    if isinstance(origin.clusters, ByKMeans):
        labels = clustering.cluster(texts, count, embedder(origin.clusters, context, swarm), resolved.seed, least)
    else:
        labels = by_name(items, swarm, origin.clusters.name, count, least)
    return tuple(
        tuple(text for text, label in zip(texts, labels, strict=True) if label == index) for index in range(count)
    )


def embedder(clusters: ByKMeans, context: Context, swarm: str) -> clustering.Embedder:
    if clusters.embedder is None:
        return clustering.Tfidf()
    field = f"spec.{swarm}.clustering.kmeans.embedder.model.uri"
    return clustering.Model(places.folder(clusters.embedder, context.base_folder, field))


def by_name(items: Sequence[seeds.Seed], swarm: str, field: str, count: int, least: int) -> tuple[int, ...]:
    """Clusters as the data names them. Raises BadInputError unless there are `count` of them."""
    names = list(dict.fromkeys(item.cluster for item in items))
    if len(names) != count:
        raise BadInputError(
            f"spec.{swarm}.count: {count} {swarm}, but field {field!r} of the data names {len(names)} clusters;"
            f" set count to {len(names)} or clustering.type to KMeans"
        )
    labels = clustering.canonical([names.index(item.cluster) for item in items])
    clustering.check(labels, count, least)
    return labels


def check_items(resolved: ResolvedSpec, data: SeedData, swarm: str) -> None:
    """The judge can judge the seed items, and there are enough to show. Raises BadInputError."""
    judge = judges.judge(str(resolved.judge.name))
    refusals = [(item, judge.refusal(item)) for item in data.pool]
    refused = [(item, reason) for item, reason in refusals if reason is not None]
    if len(refused) * 2 > len(refusals):
        item, reason = refused[0]
        raise BadInputError(
            f"spec.judge.verifier.name: {resolved.judge.name} cannot judge {len(refused)} of {len(refusals)} seed"
            f" items of spec.{swarm}.data, such as {item[:60]!r} ({reason}); choose a judge for this data or other data"
        )
    if len(data.pool) < resolved.generation.shots:
        raise BadInputError(
            f"spec.generation.shots: {resolved.generation.shots} examples of {len(data.pool)} seed items of"
            f" spec.{swarm}.data; give"
            " more items"
        )


def check_disk(context: Context) -> None:
    """The store's disk has room for the run. Raises BadInputError with the figures."""
    context.cache.mkdir(parents=True, exist_ok=True)
    free = disk_usage(context.cache).free
    if free < HEADROOM:
        raise BadInputError(
            f"{context.cache}: {free / 2**20:.0f} MiB free, a run needs {HEADROOM / 2**20:.0f}; free space or choose"
            " another --folder"
        )


def refuse_change(contents: Mapping[str, Digest], standing: bytes) -> None:
    """Another attempt of this run pinned the same inputs. Raises BadInputError if they changed in between."""
    if canonical_json(dict(contents)) != standing:
        raise BadInputError(
            "the inputs changed while the run was being prepared: restore them or start in a new folder"
        )
