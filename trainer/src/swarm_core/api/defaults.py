"""From what the user wrote to what is run, and the two digests that name an experiment.

The spec digest names the experiment as written, the experiment digest by what its paths hold. Both cover the identity
alone: how, where and when it runs, labels, comments, the order of keys and defaults written out change neither.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from swarm_core import sides
from swarm_core.api import access
from swarm_core.api.adversarial import AdversarialRun, AdversarialRunSpec
from swarm_core.api.evaluation import Evaluation
from swarm_core.api.execution import LocalStorage, S3Storage
from swarm_core.api.game import Bests, Decay, LearningType, Movement, Train
from swarm_core.api.generators import ByField, Clustering, ClusteringType, Generators, KMeans, Training
from swarm_core.api.judging import Judge, JudgeType, ObjectiveType, Verifier
from swarm_core.api.resolved import (
    ByKMeans,
    Game,
    Given,
    RemoteTaker,
    ResolvedGenerators,
    ResolvedJudge,
    ResolvedSpec,
    ResolvedSwarm,
    ResolvedTaker,
    Side,
    Trained,
)
from swarm_core.api.run import SwarmRun
from swarm_core.api.spec import IDENTITY
from swarm_core.api.swarm import (
    CmaEs,
    Exact,
    Groups,
    Optimizer,
    PerLayer,
    Published,
    RandomSearch,
    RuleName,
    Standard,
    Swarm,
)
from swarm_core.api.takers import Taker
from swarm_core.recipe import Digest, Merge, canonical_json, digest_bytes

__all__ = ["ResolvedSpec", "Role", "Use", "experiment_digest", "identity", "resolve", "spec_digest", "uris"]

GENERATORS = 4
"""As many as the paper's experiments start from (arXiv 2506.00741)."""
SCATTERED = 66
"""Random places at the start: what six iterations of eight particles measure."""
DIGESTED = frozenset({*IDENTITY, "rule", "game"})
"""The identity, as a `ResolvedSpec` has it."""


class Role(StrEnum):
    """What lies at a URI."""

    BASE = "base model"
    TAKER_MODEL = "taker model"
    TAKER_ADAPTER = "taker adapter"
    GENERATOR_ADAPTER = "generator adapter"
    DATA = "data"
    EMBEDDER = "embedder"


@dataclass(frozen=True, slots=True)
class Use:
    """One URI, and what the experiment uses it for."""

    role: Role
    uri: str
    field: str
    """Where it is written, such as `spec.takers[1].adapter`."""

    @property
    def swarm(self) -> str:
        """The side of a game that it belongs to; fixed takers count with those that move."""
        return sides.TAKERS if self.field.startswith(f"spec.{sides.TAKERS}") else sides.GENERATORS


def resolve(run: SwarmRun | AdversarialRun) -> ResolvedSpec:
    """`run` with every default explicit."""
    return _alone(run) if isinstance(run, SwarmRun) else _game(run)


def _alone(run: SwarmRun) -> ResolvedSpec:
    spec = run.spec
    return ResolvedSpec(
        seed=spec.seed,
        suspend=spec.suspend,
        base=spec.base,
        generators=_generators(spec.generators),
        domain=spec.domain,
        takers=tuple(_taker(taker, spec.base.model) for taker in spec.takers),
        generation=spec.generation,
        answering=spec.answering,
        judge=_judge(spec.judge),
        objective=spec.objective.type,
        swarm=_swarm(spec.swarm),
        rule=_rule(spec.swarm),
        evaluation=spec.evaluation,
        storage=_storage(run),
        execution=spec.execution,
        access=tuple(access.ways(spec)),
        budget=spec.budget,
        resume_from=spec.resume_from,
    )


def _game(run: AdversarialRun) -> ResolvedSpec:
    """A game is a search for generators whose takers are a second swarm."""
    spec = run.spec
    moving = _side(spec.generators.swarm, spec), _side(spec.takers.swarm, spec)
    learning = spec.takers.learning
    return ResolvedSpec(
        seed=spec.seed,
        suspend=spec.suspend,
        base=spec.base,
        generators=_generators(spec.generators),
        domain=spec.domain,
        takers=(),
        generation=spec.generation,
        answering=spec.answering,
        judge=_judge(spec.judge),
        objective=ObjectiveType.DIFFICULTY,
        swarm=moving[0].swarm,
        rule=moving[0].rule,
        evaluation=Evaluation(**spec.evaluation.model_dump()),
        storage=_storage(run),
        execution=spec.execution,
        game=Game(
            rounds=spec.rounds,
            takers=_generators(spec.takers),
            sides=moving,
            reference=spec.generators.swarm.reference,
            opponents=spec.generators.opponents,
            train=(learning.train or Train()) if learning.type is LearningType.TRAIN else None,
            pool=spec.pool,
            stop=spec.stop,
        ),
    )


def _side(movement: Movement, spec: AdversarialRunSpec) -> Side:
    """How a side moves: by as many iterations as there are rounds, and without patience unless the game has some."""
    bests = movement.bests or (Bests.STALE if movement.reference else Bests.RESCORE)
    size = ResolvedSwarm(
        particles=movement.particles, iterations=spec.rounds, patience=spec.stop.patience or spec.rounds + 1
    )
    return Side(
        swarm=size,
        rule=movement.published or Published()
        if movement.rule is RuleName.PUBLISHED
        else _scattered(movement.standard or Standard(), 0),  # what is measured anew in every round is never lost
        rescored=bests is Bests.RESCORE,
        decay=(movement.decay or Decay()).factor if bests is Bests.DECAY else 1.0,
    )


def spec_digest(resolved: ResolvedSpec) -> Digest:
    """The digest of the experiment as written, paths included."""
    return digest_bytes(_identity(resolved, None))


def experiment_digest(resolved: ResolvedSpec, contents: Mapping[str, Digest]) -> Digest:
    """The digest of the experiment with every URI replaced by `contents[uri]`. Raises ValueError if one is missing."""
    return digest_bytes(identity(resolved, contents))


def identity(resolved: ResolvedSpec, contents: Mapping[str, Digest]) -> bytes:
    """What the experiment digest is the digest of, as JSON. Raises ValueError if a URI has no digest in `contents`."""
    for use in uris(resolved):
        if use.uri not in contents:
            raise ValueError(f"{use.field}: no digest for {use.uri!r}; every URI of the experiment needs one")
    return _identity(resolved, contents)


def uris(resolved: ResolvedSpec) -> tuple[Use, ...]:
    """Every URI of the experiment, in the order of the spec; a taker's model only where it is not the base's."""
    return tuple(_uses(resolved))


def _identity(resolved: ResolvedSpec, contents: Mapping[str, Digest] | None) -> bytes:
    return canonical_json(resolved.model_dump(mode="json", by_alias=True, include=set(DIGESTED), context=contents))


def _uses(resolved: ResolvedSpec) -> Iterator[Use]:
    yield Use(Role.BASE, resolved.base.model, "spec.base.model")
    yield from _origins(resolved.generators, "spec.generators")
    if resolved.game is not None:
        yield from _origins(resolved.game.takers, "spec.takers")
    for index, taker in enumerate(resolved.takers):
        if isinstance(taker, RemoteTaker):
            continue
        if taker.model != resolved.base.model:
            yield Use(Role.TAKER_MODEL, taker.model, f"spec.takers[{index}].model")
        if taker.adapter is not None:
            yield Use(Role.TAKER_ADAPTER, taker.adapter, f"spec.takers[{index}].adapter")


def _origins(side: ResolvedGenerators, field: str) -> Iterator[Use]:
    """What one side starts from."""
    yield Use(Role.DATA, side.data.uri, f"{field}.data.uri")
    match side.origin:
        case Given(adapters=adapters):
            for index, uri in enumerate(adapters):
                yield Use(Role.GENERATOR_ADAPTER, uri, f"{field}.adapters[{index}]")
        case Trained(clusters=ByKMeans(embedder=str(uri))):
            yield Use(Role.EMBEDDER, uri, f"{field}.clustering.kmeans.embedder.model.uri")
        case _:
            pass


def _generators(generators: Generators) -> ResolvedGenerators:
    if generators.adapters is not None:
        given = Given(adapters=generators.adapters)
        return ResolvedGenerators(count=len(generators.adapters), data=generators.data, origin=given)
    clusters = _clusters(generators.clustering or Clustering())
    trained = Trained(clusters=clusters, training=generators.training or Training())
    count = GENERATORS if generators.count is None else generators.count
    return ResolvedGenerators(count=count, data=generators.data, origin=trained)


def _clusters(clustering: Clustering) -> ByKMeans | ByField:
    match clustering.type:
        case ClusteringType.KMEANS:
            model = (clustering.kmeans or KMeans()).embedder.model
            return ByKMeans(embedder=model.uri if model else None)
        case ClusteringType.FIELD:
            return clustering.field or ByField()
        case _ as never:
            assert_never(never)


def _storage(run: SwarmRun | AdversarialRun) -> LocalStorage | S3Storage | None:
    """The place of this run: in a bucket, a folder of the run's name below the prefix."""
    storage = run.spec.storage
    if storage is None or storage.s3 is None:
        return storage.local if storage else None
    own = f"{storage.s3.prefix}/{run.metadata.name}".removeprefix("/")
    return storage.s3.model_copy(update={"prefix": own})


def _taker(taker: Taker, base: str) -> ResolvedTaker | RemoteTaker:
    if taker.endpoint is not None:
        return RemoteTaker(name=taker.name, endpoint=access.remote(taker.endpoint))
    return ResolvedTaker(name=taker.name, model=taker.model or base, adapter=taker.adapter)


def _judge(judge: Judge) -> Verifier | ResolvedJudge:
    match judge.type:
        case JudgeType.VERIFIER:
            assert judge.verifier is not None  # a rule of Judge
            return judge.verifier
        case JudgeType.MODEL:
            model = judge.model
            assert model is not None  # a rule of Judge
            return ResolvedJudge(
                endpoint=access.remote(model.endpoint),
                rubric=model.rubric,
                scale=model.scale,
                vet=model.vet,
                max_tokens=model.max_tokens,
            )
        case _ as never:
            assert_never(never)


def _swarm(swarm: Swarm) -> ResolvedSwarm:
    return ResolvedSwarm(
        particles=swarm.particles,
        iterations=swarm.iterations,
        patience=swarm.patience,
        per_layer=(swarm.per_layer or PerLayer()) if swarm.groups is Groups.PER_LAYER else None,
        exact=(swarm.exact or Exact()) if swarm.merge is Merge.EXACT else None,
    )


def _rule(swarm: Swarm) -> Standard | Published | RandomSearch | CmaEs:
    match swarm.optimizer:
        case Optimizer.PARTICLE_SWARM:
            return _particle_rule(swarm)
        case Optimizer.RANDOM_SEARCH:
            return swarm.random_search or RandomSearch()
        case Optimizer.CMA_ES:
            return swarm.cma_es or CmaEs()
        case _ as never:
            assert_never(never)


def _scattered(rule: Standard, otherwise: int) -> Standard:
    """With `otherwise` random places if nothing is said of them. None goes without saying: the search is then the one
    that it was before there were any, and so is its digest."""
    places = otherwise if rule.scattered is None else rule.scattered
    return rule.model_copy(update={"scattered": places or None})


def _particle_rule(swarm: Swarm) -> Standard | Published:
    match swarm.rule:
        case RuleName.STANDARD:
            return _scattered(swarm.standard or Standard(), SCATTERED)
        case RuleName.PUBLISHED:
            return swarm.published or Published()
        case _ as never:
            assert_never(never)
