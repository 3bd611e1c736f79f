"""The resolution of a run, which makes every default explicit, and the two digests that identify an experiment.

The spec digest identifies the experiment as written. The experiment digest identifies it by the content of its paths,
the origin of its parts and the text of its prompts. Both digests cover only the identity. They do not change with the
execution settings, labels, comments, the order of keys, or defaults that are written out.

This module has the functions that all kinds of run share. The program of a kind has the rest.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, assert_never

from swarm_core import catalog, program_registry, swarm_names
from swarm_core.api import endpoint_access, judging, objective_blocks, parts
from swarm_core.api.execution import LocalStorage, S3Storage
from swarm_core.api.generators import ByField, Clustering, ClusteringType, Generators, KMeans, Training
from swarm_core.api.judging import GateSpec, JudgeSpec, MemberSpec
from swarm_core.api.lifecycle import Budget
from swarm_core.api.objective_blocks import PRESETS, ObjectiveSpec, TermObjective, TermSpec, WeightedSpec
from swarm_core.api.objective_data import ReferenceData
from swarm_core.api.part_choice import PartChoice
from swarm_core.api.parts import PartsIdentity
from swarm_core.api.resolved import (
    ByKMeans,
    EndpointIdentity,
    GivenAdapters,
    Part,
    RemoteTaker,
    ResolvedGenerators,
    ResolvedJudge,
    ResolvedPanel,
    ResolvedPareto,
    ResolvedParetoTerm,
    ResolvedRun,
    ResolvedSpec,
    ResolvedTaker,
    ResolvedTerm,
    ResolvedVerifier,
    ResolvedWeighted,
    TrainedAdapters,
)
from swarm_core.api.run import Run
from swarm_core.api.swarm import MultiObjectiveSpec, PublishedSpec, RuleName, StandardSpec, SwarmSpec
from swarm_core.api.takers import Taker
from swarm_core.blocks import settings
from swarm_core.blocks.data_source import DataSource
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
"""The number of initial generators in the experiments of the paper (arXiv 2506.00741)."""
DEFAULT_SCATTERED = 66
"""The number of random positions at the start: as many measurements as six iterations of eight particles and three
remeasured leaders."""
IDENTITY_VERSION = 1
"""The version of the format of an identity."""


REFERENCE_FIELD = "spec.objective.reference.uri"
"""The field that names the reference set of an objective."""
CORPUS_FIELD = "spec.objective.corpus.uri"
"""The field that names the corpus of an objective."""


STUDENT_TEST_FIELD = "spec.evaluation.student.test.uri"
"""The field that names the test set of a student."""


class UriRole(StrEnum):
    """What a URI refers to."""

    BASE = "base model"
    TAKER_MODEL = "taker model"
    TAKER_ADAPTER = "taker adapter"
    GENERATOR_ADAPTER = "generator adapter"
    DATA = "data"
    EMBEDDER = "embedder"
    CLASSIFIER = "classifier"


@dataclass(frozen=True, slots=True)
class UriUse:
    """One URI and its role in the experiment."""

    role: UriRole
    uri: str
    field: str
    """The path of the field that contains the URI, such as `spec.takers[1].adapter`."""
    splits: frozenset[str | None] = frozenset({None})
    """Of data: the splits that the experiment reads at this URI (`DataSource.wanted_split`)."""
    source: DataSource | None = None
    """Of data that items are read from: how its records are read."""

    @property
    def swarm(self) -> str:
        """The swarm that the URI belongs to. Takers that do not move count as takers, too."""
        of_takers = (f"spec.{swarm_names.TAKERS}", "spec.evaluation.unseen")
        return swarm_names.TAKERS if self.field.startswith(of_takers) else swarm_names.GENERATORS


def resolve_run(run: Run) -> ResolvedRun:
    """`run` with every default explicit."""
    resolved: ResolvedRun = program_registry.load(run.kind).resolve(run)
    return resolved


def load_resolved(fields: Mapping[str, Any]) -> ResolvedRun:
    """Return a resolved run from its JSON.

    Raises BadInputError for a kind that is not installed, and ValueError for fields that are not a run of that kind.
    """
    model: type[ResolvedRun] = program_registry.load(str(fields.get("kind"))).resolved
    return model.model_validate_json(json.dumps(fields))


def spec_digest(resolved: ResolvedRun) -> Digest:
    """Return the digest of the experiment as written, with its paths.

    It needs no plug-in to be installed: it covers the name and the config of a plug-in.
    """
    return digest_bytes(canonical_json(identity_fields(resolved, None)))


def experiment_digest(resolved: ResolvedRun, contents: Mapping[str, Digest], parts: PartsIdentity) -> Digest:
    """Return the digest of the experiment as it is run. `parts`: the origins of its parts, and its prompts.

    Raises ValueError if a URI has no digest in `contents`.
    """
    return digest_bytes(serialize_identity(resolved, contents, parts))


def serialize_identity(resolved: ResolvedRun, contents: Mapping[str, Digest], parts: PartsIdentity) -> bytes:
    """Return the JSON text that the experiment digest covers.

    It contains the spec with every URI replaced by `contents[uri]`, the origins of the parts, and the prompts.

    Raises ValueError if a URI has no digest in `contents`.
    """
    for use in list_uris(resolved):
        if use.uri not in contents:
            raise ValueError(f"{use.field}: no digest for {use.uri!r}; every URI of the experiment needs one")
    return canonical_json({
        "version": IDENTITY_VERSION,
        "spec": identity_fields(resolved, contents),
        "parts": parts.parts,
        "prompts": parts.prompts,
    })  # fmt: skip


def list_uris(resolved: ResolvedRun) -> tuple[UriUse, ...]:
    """Return every URI of the experiment, in the order of the spec. Uses of one URI have all its splits."""
    uses: tuple[UriUse, ...] = tuple(program_registry.load(resolved.kind).uris(resolved))
    splits: dict[str, frozenset[str | None]] = {}
    for use in uses:
        splits[use.uri] = splits.get(use.uri, frozenset()) | use.splits
    return tuple(replace(use, splits=splits[use.uri]) for use in uses)


def identity_fields(resolved: ResolvedRun, contents: Mapping[str, Digest] | None = None) -> dict[str, Any]:
    """Return the fields of the identity as JSON values. If `contents` is given, each URI is replaced by
    `contents[uri]`."""
    digested = program_registry.load(resolved.kind).identity | {"kind"}
    return resolved.model_dump(mode="json", by_alias=True, include=set(digested), context=contents)


def resolve_common(run: Run) -> dict[str, Any]:
    """Return the resolved fields that every kind of run has."""
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
    """The URIs of the seed data, adapters and embedder that one swarm starts from. `field`: the path of its block."""
    yield build_data_use(side.data, f"{field}.data.uri")
    for name, source in (("examples", side.examples), ("heldOut", side.held_out)):
        if source is not None:
            yield build_data_use(source, f"{field}.{name}.uri")
    match side.origin:
        case GivenAdapters(adapters=adapters):
            for index, uri in enumerate(adapters):
                yield UriUse(UriRole.GENERATOR_ADAPTER, uri, f"{field}.adapters[{index}]")
        case TrainedAdapters(clusters=ByKMeans(embedder=str(uri))):
            yield UriUse(UriRole.EMBEDDER, uri, f"{field}.clustering.kmeans.embedder.model.uri")
        case _:
            pass


def build_data_use(source: DataSource, field: str) -> UriUse:
    """Return the use of the URI of data. `field`: the path of the field with the URI."""
    return UriUse(UriRole.DATA, source.uri, field, frozenset({source.wanted_split}), source)


def iterate_part_uses(resolved: ResolvedSpec) -> Iterator[UriUse]:
    """The URIs of the classifiers of the judge and the gates, and of the data that gates compare items with."""
    for use in (*parts.list_judges(resolved), *parts.list_gates(resolved)):
        named = parts.find_classifier(use)
        if named is not None:
            yield UriUse(UriRole.CLASSIFIER, named[1].uri, f"{named[0]}.uri")
    for gate in parts.list_gates(resolved):
        for field, source in parts.list_data_sets(gate):
            yield build_data_use(source, field)


def resolve_generators(generators: Generators) -> ResolvedGenerators:
    """`generators` with every default explicit."""
    if generators.adapters is not None:
        given = GivenAdapters(adapters=generators.adapters)
        return ResolvedGenerators(count=len(generators.adapters), origin=given, **_list_splits(generators))
    clusters = _resolve_clusters(generators.clustering or Clustering())
    trained = TrainedAdapters(clusters=clusters, training=generators.training or Training())
    count = DEFAULT_GENERATORS if generators.count is None else generators.count
    return ResolvedGenerators(count=count, origin=trained, **_list_splits(generators))


def _list_splits(generators: Generators) -> dict[str, Any]:
    """Return the data of a block of generators, and its policy for overlaps."""
    return {name: getattr(generators, name) for name in ("data", "examples", "held_out", "overlap")}


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
    """Return the storage of this run. In a bucket, it is a folder below the prefix, with the name of the run."""
    storage = run.spec.storage
    if storage is None or storage.s3 is None:
        return storage.local if storage else None
    own = f"{storage.s3.prefix}/{run.metadata.name}".removeprefix("/")
    return storage.s3.model_copy(update={"prefix": own})


def resolve_taker(taker: Taker, base: str) -> ResolvedTaker | RemoteTaker:
    """`taker` with every default explicit. `base`: the URI of the base model."""
    if taker.endpoint is not None:
        return RemoteTaker(name=taker.name, endpoint=endpoint_access.identify_endpoint(taker.endpoint))
    return ResolvedTaker(name=taker.name, model=taker.model or base, adapter=taker.adapter)


def resolve_part(choice: PartChoice, otherwise: EndpointIdentity | None = None) -> Part:
    """Return the part that a block chooses, with every default explicit: its name is the type, or that of the plug-in.

    `otherwise`: the model that a built-in asks if it may ask one and names none.
    """
    own = endpoint_access.identify_endpoint(choice.endpoint[1]) if choice.endpoint else None
    if choice.plugin is not None:
        return Part(name=choice.plugin.name, config=choice.plugin.config, endpoint=own, data=choice.data)
    block = choice.chosen
    asked, compared = settings.find_endpoint_field(type(block)), settings.find_data_field(type(block))
    labeling = settings.find_classifier_field(type(block))
    apart = {name for name in (asked, compared, labeling) if name}
    config = block.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=apart or None)
    return Part(
        name=choice.type,
        config=config,
        endpoint=(own or otherwise) if asked else None,
        classifier=choice.asked_classifier[1] if choice.asked_classifier else None,
        data=choice.data,
    )


def resolve_objective(objective: ObjectiveSpec) -> Part:
    """Return the objective with every default explicit. Of several objectives, only the type."""
    several = objective.weighted is not None or objective.pareto is not None
    return Part(name=objective.type) if several else resolve_part(objective)


def resolve_weighted(objective: ObjectiveSpec) -> ResolvedWeighted | None:
    """Return the weighted sum with every default explicit; None if the objective is none."""
    weighted = objective.weighted
    if weighted is None:
        return None
    return ResolvedWeighted(
        normalize=weighted.normalize,
        terms=tuple(
            ResolvedTerm(
                name=term.label, objective=resolve_part(term.objective), weight=term.weight, at_least=term.at_least
            )
            for term in list_terms(weighted)
        ),
    )


def resolve_pareto(objective: ObjectiveSpec) -> ResolvedPareto | None:
    """Return the objectives of a Pareto front with every default explicit; None if the objective is none."""
    if objective.pareto is None:
        return None
    terms = (
        ResolvedParetoTerm(name=term.label, objective=resolve_part(term.objective), at_least=term.at_least)
        for term in objective.pareto.terms
    )
    return ResolvedPareto(terms=tuple(terms))


def list_terms(weighted: WeightedSpec) -> tuple[TermSpec, ...]:
    """Return the terms of a weighted sum: those of its preset, or those that it states."""
    if weighted.preset is None:
        return weighted.terms
    return tuple(
        TermSpec(objective=TermObjective(type=name), weight=weight) for name, weight in PRESETS[weighted.preset]
    )


def resolve_reference(objective: ObjectiveSpec) -> ReferenceData | None:
    """Return the reference set of an objective; None if it needs none. A plug-in has one if the spec names one."""
    built_in = [name for name in objective_blocks.list_types(objective) if name in catalog.OBJECTIVES]
    needed = any(objective_blocks.find_needs(name).reference for name in built_in)
    return objective.reference or (ReferenceData() if needed else None)


def resolve_judge(judge: JudgeSpec) -> ResolvedVerifier | ResolvedJudge | ResolvedPanel:
    """`judge` with every default explicit."""
    if judge.panel is None:
        return _resolve_member(judge)
    members = tuple(map(_resolve_member, judge.panel.members))
    return ResolvedPanel(members=members, rule=judge.panel.rule, at_least=judge.panel.at_least or len(members))


def _resolve_member(judge: JudgeSpec | MemberSpec) -> ResolvedVerifier | ResolvedJudge:
    """A judge that is no panel, with every default explicit."""
    if judge.type == judging.VERIFIER:
        assert judge.verifier is not None  # a rule of JudgeSpec
        return ResolvedVerifier(verifier=resolve_part(judge.verifier))
    return ResolvedJudge(judge=resolve_part(judge))


def resolve_gates(gates: tuple[GateSpec, ...] | None, judge: JudgeSpec) -> tuple[Part, ...]:
    """Return the gates with every default explicit. A gate that may ask a model asks that of the judge by default; of a
    panel, the first that there is."""
    models = judging.list_endpoints(judge)
    asked = endpoint_access.identify_endpoint(models[0][1]) if models else None
    return tuple(resolve_part(gate, asked) for gate in (judging.list_default_gates(judge) if gates is None else gates))


def set_scattered(rule: StandardSpec, otherwise: int) -> StandardSpec:
    """`rule` with its number of random positions. `otherwise`: the number if the rule does not set it.

    0 becomes None, which is left out of the identity. So a search without random positions keeps the digest that it had
    before this field existed.
    """
    places = otherwise if rule.scattered is None else rule.scattered
    return rule.model_copy(update={"scattered": places or None})


def resolve_particle_rule(swarm: SwarmSpec) -> StandardSpec | PublishedSpec:
    """Return the constants of the rule of a particle swarm, with every default explicit."""
    match swarm.rule:
        case RuleName.STANDARD:
            return set_scattered(swarm.standard or StandardSpec(), DEFAULT_SCATTERED)
        case RuleName.PUBLISHED:
            return swarm.published or PublishedSpec()
        case RuleName.MULTI_OBJECTIVE:
            return set_scattered(swarm.multi_objective or MultiObjectiveSpec(), DEFAULT_SCATTERED)
        case _ as never:
            assert_never(never)
