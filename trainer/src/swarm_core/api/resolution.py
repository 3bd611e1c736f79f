"""From what the user wrote to what is run, and the two digests that name an experiment.

The spec digest names the experiment as written. The experiment digest names it by what its paths hold, where its parts
come from and how its prompts read. Both cover the identity alone: how, where and when it runs, labels, comments, the
order of keys and defaults written out change neither.

What is particular to a kind of run is its program's; here is what programs share.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

from swarm_core import program_registry, swarm_names
from swarm_core.api import endpoint_access, judging
from swarm_core.api.execution import LocalStorage, S3Storage
from swarm_core.api.generators import ByField, Clustering, ClusteringType, Generators, KMeans, Training
from swarm_core.api.judging import GateSpec, JudgeSpec, ObjectiveSpec, Verifier
from swarm_core.api.lifecycle import Budget
from swarm_core.api.parts import PartsIdentity
from swarm_core.api.resolved import (
    ByKMeans,
    GivenAdapters,
    NamedJudge,
    Part,
    RemoteTaker,
    ResolvedGenerators,
    ResolvedJudge,
    ResolvedRun,
    ResolvedSpec,
    ResolvedTaker,
    ResolvedVerifier,
    TrainedAdapters,
)
from swarm_core.api.run import Run
from swarm_core.api.swarm import PublishedSpec, RuleName, StandardSpec, SwarmSpec
from swarm_core.api.takers import Taker
from swarm_core.recipe import Digest, canonical_json, digest_bytes

__all__ = [
    "ResolvedSpec",
    "UriRole",
    "UriUse",
    "experiment_digest",
    "list_uris",
    "resolve_run",
    "serialize_identity",
    "spec_digest",
]

DEFAULT_GENERATORS = 4
"""As many as the paper's experiments start from (arXiv 2506.00741)."""
DEFAULT_SCATTERED = 66
"""Random places at the start: what six iterations of eight particles measure."""
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


def resolve_run(run: Run) -> ResolvedRun:
    """`run` with every default explicit."""
    resolved: ResolvedRun = program_registry.load(run.kind).resolve(run)
    return resolved


def load_resolved(fields: Mapping[str, Any]) -> ResolvedRun:
    """A resolved run from its JSON. Raises BadInputError for an unknown kind, ValueError for what is no such run."""
    model: type[ResolvedRun] = program_registry.load(str(fields.get("kind"))).resolved
    return model.model_validate_json(json.dumps(fields))


def spec_digest(resolved: ResolvedRun) -> Digest:
    """The digest of the experiment as written, paths included. Needs no plug-in: one is named, with its config."""
    return digest_bytes(canonical_json(identity_fields(resolved, None)))


def experiment_digest(resolved: ResolvedRun, contents: Mapping[str, Digest], found: PartsIdentity) -> Digest:
    """The digest of the experiment as it is carried out. Raises ValueError if a URI has no digest in `contents`."""
    return digest_bytes(serialize_identity(resolved, contents, found))


def serialize_identity(resolved: ResolvedRun, contents: Mapping[str, Digest], found: PartsIdentity) -> bytes:
    """What the experiment digest is the digest of, as JSON: the spec with every URI replaced by `contents[uri]`, the
    origins of its parts, and the prompts.

    Raises ValueError if a URI has no digest in `contents`.
    """
    for use in list_uris(resolved):
        if use.uri not in contents:
            raise ValueError(f"{use.field}: no digest for {use.uri!r}; every URI of the experiment needs one")
    return canonical_json({
        "version": IDENTITY_VERSION,
        "spec": identity_fields(resolved, contents),
        "parts": found.parts,
        "prompts": found.prompts,
    })  # fmt: skip


def list_uris(resolved: ResolvedRun) -> tuple[UriUse, ...]:
    """Every URI of the experiment, in the order of the spec."""
    return tuple(program_registry.load(resolved.kind).uris(resolved))


def identity_fields(resolved: ResolvedRun, contents: Mapping[str, Digest] | None = None) -> dict[str, Any]:
    """The fields that are the experiment, as JSON has them; each URI replaced by `contents[uri]` if that is given."""
    digested = program_registry.load(resolved.kind).identity | {"kind"}
    return resolved.model_dump(mode="json", by_alias=True, include=set(digested), context=contents)


def resolve_common(run: Run) -> dict[str, Any]:
    """The fields that every kind of run is resolved to."""
    spec = run.spec
    return {
        "kind": run.kind,
        "seed": spec.seed,
        "suspend": spec.suspend,
        "storage": resolve_storage(run),
        "execution": spec.execution,
        "budget": spec.budget if isinstance(spec.budget, Budget) else Budget(),
    }


def iterate_origin_uses(side: ResolvedGenerators, field: str) -> Iterator[UriUse]:
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


def resolve_generators(generators: Generators) -> ResolvedGenerators:
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


def resolve_storage(run: Run) -> LocalStorage | S3Storage | None:
    """The place of this run: in a bucket, a folder of the run's name below the prefix."""
    storage = run.spec.storage
    if storage is None or storage.s3 is None:
        return storage.local if storage else None
    own = f"{storage.s3.prefix}/{run.metadata.name}".removeprefix("/")
    return storage.s3.model_copy(update={"prefix": own})


def resolve_taker(taker: Taker, base: str) -> ResolvedTaker | RemoteTaker:
    if taker.endpoint is not None:
        return RemoteTaker(name=taker.name, endpoint=endpoint_access.identify_endpoint(taker.endpoint))
    return ResolvedTaker(name=taker.name, model=taker.model or base, adapter=taker.adapter)


def resolve_part(chosen: ObjectiveSpec | Verifier | GateSpec) -> Part:
    """A part by its name: the type, or of a plug-in its own."""
    if chosen.plugin is None:
        return Part(name=chosen.type)
    return Part(name=chosen.plugin.name, config=chosen.plugin.config)


def resolve_judge(judge: JudgeSpec) -> ResolvedVerifier | ResolvedJudge | NamedJudge:
    match judge.type:
        case judging.VERIFIER:
            assert judge.verifier is not None  # a rule of JudgeSpec
            return ResolvedVerifier(verifier=resolve_part(judge.verifier))
        case judging.MODEL:
            return _resolve_model_judge(judge)
        case _:
            found, asked = judge.plugin, judge.endpoint
            part = Part(name=judge.type) if found is None else Part(name=found.name, config=found.config)
            return NamedJudge(judge=part, endpoint=endpoint_access.identify_endpoint(asked[1]) if asked else None)


def _resolve_model_judge(judge: JudgeSpec) -> ResolvedJudge:
    model = judge.model
    assert model is not None  # a rule of JudgeSpec
    return ResolvedJudge(
        endpoint=endpoint_access.identify_endpoint(model.endpoint),
        rubric=model.rubric,
        scale=model.scale,
        vet=model.vet,
        max_tokens=model.max_tokens,
    )


def set_scattered(rule: StandardSpec, otherwise: int) -> StandardSpec:
    """With `otherwise` random places if nothing is said of them. None goes without saying: the search is then the one
    that it was before there were any, and so is its digest.
    """
    places = otherwise if rule.scattered is None else rule.scattered
    return rule.model_copy(update={"scattered": places or None})


def resolve_particle_rule(swarm: SwarmSpec) -> StandardSpec | PublishedSpec:
    match swarm.rule:
        case RuleName.STANDARD:
            return set_scattered(swarm.standard or StandardSpec(), DEFAULT_SCATTERED)
        case RuleName.PUBLISHED:
            return swarm.published or PublishedSpec()
        case _ as never:
            assert_never(never)
