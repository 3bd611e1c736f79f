"""From what the user wrote to what is run, and the two digests that name an experiment.

The spec digest names the experiment as written. The experiment digest names it by what its paths hold, where its parts
come from and how its prompts read. Both cover the identity alone: how, where and when it runs, labels, comments, the
order of keys and defaults written out change neither.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from swarm_core import swarm_names
from swarm_core.api import endpoint_access, judging, optimizer_blocks
from swarm_core.api.adversarial import AdversarialRun, AdversarialRunSpec
from swarm_core.api.evaluation import Evaluation
from swarm_core.api.execution import LocalStorage, S3Storage
from swarm_core.api.game import BestsPolicy, Decay, LearningType, Movement, RoundTraining
from swarm_core.api.generators import ByField, Clustering, ClusteringType, Generators, KMeans, Training
from swarm_core.api.judging import GateSpec, JudgeSpec, ObjectiveSpec, Verifier
from swarm_core.api.optimizer_blocks import OptimizerBlock
from swarm_core.api.parts import PartsIdentity
from swarm_core.api.resolved import (
    ByKMeans,
    GivenAdapters,
    NamedJudge,
    Part,
    RemoteTaker,
    ResolvedGame,
    ResolvedGenerators,
    ResolvedJudge,
    ResolvedSide,
    ResolvedSpec,
    ResolvedSwarm,
    ResolvedTaker,
    ResolvedVerifier,
    TrainedAdapters,
)
from swarm_core.api.run import SwarmRun
from swarm_core.api.spec import IDENTITY_FIELDS
from swarm_core.api.swarm import Exact, Groups, PerLayer, PublishedSpec, RuleName, StandardSpec, SwarmSpec
from swarm_core.api.takers import Taker
from swarm_core.recipe import Digest, Merge, canonical_json, digest_bytes

__all__ = [
    "ResolvedSpec",
    "UriRole",
    "UriUse",
    "experiment_digest",
    "list_uris",
    "resolve",
    "serialize_identity",
    "spec_digest",
]

DEFAULT_GENERATORS = 4
"""As many as the paper's experiments start from (arXiv 2506.00741)."""
DEFAULT_SCATTERED = 66
"""Random places at the start: what six iterations of eight particles measure."""
DIGESTED_FIELDS = frozenset({*IDENTITY_FIELDS, "rule", "game"})
"""The identity, as a `ResolvedSpec` has it."""
IDENTITY_VERSION = 1
"""Of the identity's form."""


class UriRole(StrEnum):
    """What lies at a URI."""

    BASE = "base model"
    TAKER_MODEL = "taker model"
    TAKER_ADAPTER = "taker adapter"
    GENERATOR_ADAPTER = "generator adapter"
    DATA = "data"
    EMBEDDER = "embedder"


@dataclass(frozen=True, slots=True)
class UriUse:
    """One URI, and what the experiment uses it for."""

    role: UriRole
    uri: str
    field: str
    """Where it is written, such as `spec.takers[1].adapter`."""

    @property
    def swarm(self) -> str:
        """The side of a game that it belongs to; fixed takers count with those that move."""
        return swarm_names.TAKERS if self.field.startswith(f"spec.{swarm_names.TAKERS}") else swarm_names.GENERATORS


def resolve(run: SwarmRun | AdversarialRun) -> ResolvedSpec:
    """`run` with every default explicit."""
    return _resolve_swarm_run(run) if isinstance(run, SwarmRun) else _resolve_adversarial_run(run)


def _resolve_swarm_run(run: SwarmRun) -> ResolvedSpec:
    spec = run.spec
    return ResolvedSpec(
        seed=spec.seed,
        suspend=spec.suspend,
        base=spec.base,
        generators=_resolve_generators(spec.generators),
        domain=spec.domain,
        takers=tuple(_resolve_taker(taker, spec.base.model) for taker in spec.takers),
        generation=spec.generation,
        answering=spec.answering,
        judge=_resolve_judge(spec.judge),
        gates=tuple(map(_resolve_part, spec.gates)),
        objective=_resolve_part(spec.objective),
        swarm=_resolve_swarm(spec.swarm),
        rule=_resolve_rule(spec.swarm),
        evaluation=spec.evaluation,
        storage=_resolve_storage(run),
        execution=spec.execution,
        access=tuple(endpoint_access.list_accesses(spec)),
        budget=spec.budget,
        resume_from=spec.resume_from,
    )


def _resolve_adversarial_run(run: AdversarialRun) -> ResolvedSpec:
    """A game is a search for generators whose takers are a second swarm."""
    spec = run.spec
    moving = _resolve_side(spec.generators.swarm, spec), _resolve_side(spec.takers.swarm, spec)
    learning = spec.takers.learning
    return ResolvedSpec(
        seed=spec.seed,
        suspend=spec.suspend,
        base=spec.base,
        generators=_resolve_generators(spec.generators),
        domain=spec.domain,
        takers=(),
        generation=spec.generation,
        answering=spec.answering,
        judge=_resolve_judge(spec.judge),
        gates=tuple(map(_resolve_part, spec.gates)),
        objective=Part(name="Difficulty"),
        swarm=moving[0].swarm,
        rule=moving[0].rule,
        evaluation=Evaluation(**spec.evaluation.model_dump()),
        storage=_resolve_storage(run),
        execution=spec.execution,
        game=ResolvedGame(
            rounds=spec.rounds,
            takers=_resolve_generators(spec.takers),
            sides=moving,
            reference=spec.generators.swarm.reference,
            opponents=spec.generators.opponents,
            train=(learning.train or RoundTraining()) if learning.type is LearningType.TRAIN else None,
            pool=spec.pool,
            stop=spec.stop,
        ),
    )


def _resolve_side(movement: Movement, spec: AdversarialRunSpec) -> ResolvedSide:
    """How a side moves: by as many iterations as there are rounds, and without patience unless the game has some."""
    bests = movement.bests or (BestsPolicy.STALE if movement.reference else BestsPolicy.RESCORE)
    size = ResolvedSwarm(
        particles=movement.particles, iterations=spec.rounds, patience=spec.stop.patience or spec.rounds + 1
    )
    return ResolvedSide(
        swarm=size,
        rule=movement.published or PublishedSpec()
        if movement.rule is RuleName.PUBLISHED
        else _set_scattered(
            movement.standard or StandardSpec(), 0
        ),  # what is measured anew in every round is never lost
        rescored=bests is BestsPolicy.RESCORE,
        decay=(movement.decay or Decay()).factor if bests is BestsPolicy.DECAY else 1.0,
    )


def spec_digest(resolved: ResolvedSpec) -> Digest:
    """The digest of the experiment as written, paths included. Needs no plug-in: one is named, with its config."""
    return digest_bytes(canonical_json(_dump_identity(resolved, None)))


def experiment_digest(resolved: ResolvedSpec, contents: Mapping[str, Digest], found: PartsIdentity) -> Digest:
    """The digest of the experiment as it is carried out. Raises ValueError if a URI has no digest in `contents`."""
    return digest_bytes(serialize_identity(resolved, contents, found))


def serialize_identity(resolved: ResolvedSpec, contents: Mapping[str, Digest], found: PartsIdentity) -> bytes:
    """What the experiment digest is the digest of, as JSON: the spec with every URI replaced by `contents[uri]`, the
    origins of its parts, and the prompts.

    Raises ValueError if a URI has no digest in `contents`.
    """
    for use in list_uris(resolved):
        if use.uri not in contents:
            raise ValueError(f"{use.field}: no digest for {use.uri!r}; every URI of the experiment needs one")
    return canonical_json({
        "version": IDENTITY_VERSION,
        "spec": _dump_identity(resolved, contents),
        "parts": found.parts,
        "prompts": found.prompts,
    })  # fmt: skip


def list_uris(resolved: ResolvedSpec) -> tuple[UriUse, ...]:
    """Every URI of the experiment, in the order of the spec; a taker's model only where it is not the base's."""
    return tuple(_iterate_uses(resolved))


def _dump_identity(resolved: ResolvedSpec, contents: Mapping[str, Digest] | None) -> dict[str, object]:
    return resolved.model_dump(mode="json", by_alias=True, include=set(DIGESTED_FIELDS), context=contents)


def _iterate_uses(resolved: ResolvedSpec) -> Iterator[UriUse]:
    yield UriUse(UriRole.BASE, resolved.base.model, "spec.base.model")
    yield from _iterate_origin_uses(resolved.generators, "spec.generators")
    if resolved.game is not None:
        yield from _iterate_origin_uses(resolved.game.takers, "spec.takers")
    for index, taker in enumerate(resolved.takers):
        if isinstance(taker, RemoteTaker):
            continue
        if taker.model != resolved.base.model:
            yield UriUse(UriRole.TAKER_MODEL, taker.model, f"spec.takers[{index}].model")
        if taker.adapter is not None:
            yield UriUse(UriRole.TAKER_ADAPTER, taker.adapter, f"spec.takers[{index}].adapter")


def _iterate_origin_uses(side: ResolvedGenerators, field: str) -> Iterator[UriUse]:
    """What one side starts from."""
    yield UriUse(UriRole.DATA, side.data.uri, f"{field}.data.uri")
    match side.origin:
        case GivenAdapters(adapters=adapters):
            for index, uri in enumerate(adapters):
                yield UriUse(UriRole.GENERATOR_ADAPTER, uri, f"{field}.adapters[{index}]")
        case TrainedAdapters(clusters=ByKMeans(embedder=str(uri))):
            yield UriUse(UriRole.EMBEDDER, uri, f"{field}.clustering.kmeans.embedder.model.uri")
        case _:
            pass


def _resolve_generators(generators: Generators) -> ResolvedGenerators:
    if generators.adapters is not None:
        given = GivenAdapters(adapters=generators.adapters)
        return ResolvedGenerators(count=len(generators.adapters), data=generators.data, origin=given)
    clusters = _resolve_clusters(generators.clustering or Clustering())
    trained = TrainedAdapters(clusters=clusters, training=generators.training or Training())
    count = DEFAULT_GENERATORS if generators.count is None else generators.count
    return ResolvedGenerators(count=count, data=generators.data, origin=trained)


def _resolve_clusters(clustering: Clustering) -> ByKMeans | ByField:
    match clustering.type:
        case ClusteringType.KMEANS:
            model = (clustering.kmeans or KMeans()).embedder.model
            return ByKMeans(embedder=model.uri if model else None)
        case ClusteringType.FIELD:
            return clustering.field or ByField()
        case _ as never:
            assert_never(never)


def _resolve_storage(run: SwarmRun | AdversarialRun) -> LocalStorage | S3Storage | None:
    """The place of this run: in a bucket, a folder of the run's name below the prefix."""
    storage = run.spec.storage
    if storage is None or storage.s3 is None:
        return storage.local if storage else None
    own = f"{storage.s3.prefix}/{run.metadata.name}".removeprefix("/")
    return storage.s3.model_copy(update={"prefix": own})


def _resolve_taker(taker: Taker, base: str) -> ResolvedTaker | RemoteTaker:
    if taker.endpoint is not None:
        return RemoteTaker(name=taker.name, endpoint=endpoint_access.identify(taker.endpoint))
    return ResolvedTaker(name=taker.name, model=taker.model or base, adapter=taker.adapter)


def _resolve_part(chosen: ObjectiveSpec | Verifier | GateSpec) -> Part:
    """A part by its name: the type, or of a plug-in its own."""
    if chosen.plugin is None:
        return Part(name=chosen.type)
    return Part(name=chosen.plugin.name, config=chosen.plugin.config)


def _resolve_judge(judge: JudgeSpec) -> ResolvedVerifier | ResolvedJudge | NamedJudge:
    match judge.type:
        case judging.VERIFIER:
            assert judge.verifier is not None  # a rule of JudgeSpec
            return ResolvedVerifier(verifier=_resolve_part(judge.verifier))
        case judging.MODEL:
            return _resolve_model_judge(judge)
        case _:
            found, asked = judge.plugin, judge.endpoint
            part = Part(name=judge.type) if found is None else Part(name=found.name, config=found.config)
            return NamedJudge(judge=part, endpoint=endpoint_access.identify(asked[1]) if asked else None)


def _resolve_model_judge(judge: JudgeSpec) -> ResolvedJudge:
    model = judge.model
    assert model is not None  # a rule of JudgeSpec
    return ResolvedJudge(
        endpoint=endpoint_access.identify(model.endpoint),
        rubric=model.rubric,
        scale=model.scale,
        vet=model.vet,
        max_tokens=model.max_tokens,
    )


def _resolve_swarm(swarm: SwarmSpec) -> ResolvedSwarm:
    return ResolvedSwarm(
        particles=swarm.particles,
        iterations=swarm.iterations,
        patience=swarm.patience,
        per_layer=(swarm.per_layer or PerLayer()) if swarm.groups is Groups.PER_LAYER else None,
        exact=(swarm.exact or Exact()) if swarm.merge is Merge.EXACT else None,
    )


def _resolve_rule(swarm: SwarmSpec) -> StandardSpec | PublishedSpec | OptimizerBlock:
    if swarm.optimizer == optimizer_blocks.PARTICLE_SWARM:
        return _resolve_particle_rule(swarm)
    return optimizer_blocks.constants(swarm, swarm.optimizer)


def _set_scattered(rule: StandardSpec, otherwise: int) -> StandardSpec:
    """With `otherwise` random places if nothing is said of them. None goes without saying: the search is then the one
    that it was before there were any, and so is its digest.
    """
    places = otherwise if rule.scattered is None else rule.scattered
    return rule.model_copy(update={"scattered": places or None})


def _resolve_particle_rule(swarm: SwarmSpec) -> StandardSpec | PublishedSpec:
    match swarm.rule:
        case RuleName.STANDARD:
            return _set_scattered(swarm.standard or StandardSpec(), DEFAULT_SCATTERED)
        case RuleName.PUBLISHED:
            return swarm.published or PublishedSpec()
        case _ as never:
            assert_never(never)
