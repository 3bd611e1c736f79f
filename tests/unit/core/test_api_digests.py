"""Every default is made explicit, and the digests name the experiment and nothing else."""

import json
import random
from typing import Any

import generated_documents as generated
import pytest
import swarmrun_documents as documents
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm_core.api import endpoint_access, loading, resolution
from swarm_core.api.optimizer_blocks import BLOCKS
from swarm_core.api.parts import PartsIdentity
from swarm_core.api.resolution import ResolvedSpec, UriRole
from swarm_core.api.resolved import (
    ByKMeans,
    EndpointIdentity,
    GivenAdapters,
    RemoteTaker,
    ResolvedJudge,
    ResolvedTaker,
    TrainedAdapters,
)
from swarm_core.api.swarm import Compat, Exact, PerLayer, PublishedSpec, StandardSpec
from swarm_core.blocks import endpoints
from swarm_core.errors import BadInputError
from swarm_core.programs.swarm_run.spec import IDENTITY_FIELDS
from swarm_core.recipe import Digest, digest_bytes

LEAVES = [(way, schema) for way, schema in generated.SCHEMA_PATHS if schema["type"] not in ("object", "array")]
ONE_VALUE = {
    "judge.type", "gates.0.type", "gates.1.type", "storage.type",
    "generators.clustering.kmeans.embedder.type", "execution.kubernetes.podTemplate.user.type",
    "judge.panel.members.0.type", "judge.panel.members.1.type", "judge.panel.members.0.verifier.type",
    "judge.panel.atLeast", "generation.agreeingTakers", "objective.weighted.preset",
    *(f"judge.{path}rewardModel.calibration.type" for path in ("", "panel.members.0.", "panel.members.1.")),
    *(f"gates.{place}.{gate}.votes.atLeast" for place in (0, 1) for gate in ("answerable", "criterion")),
}  # fmt: skip
"""Fields of which only one value is tried that is legal while the rest stands."""
NO_CODE = PartsIdentity({}, {})
NAMED = ("url", "model", "maxTokensField", "omit", "extraBody")
"""Of an endpoint, who is asked for what; with what key and how fast changes no answer."""
REFUSING = {"judge.allowSameFamily"}
"""Fields below the identity that decide what is refused and change no result."""


def resolved(document: documents.Document) -> ResolvedSpec:
    return resolution.resolve_run(loading.parse_object(document, "run.yaml"))


def digest(document: documents.Document) -> Digest:
    return resolution.spec_digest(resolved(document))


def contents(spec: ResolvedSpec) -> dict[str, Digest]:
    """A digest for every URI, drawn from its text."""
    return {use.uri: digest_bytes(use.uri.encode()) for use in resolution.list_uris(spec)}


def experiment_digest(spec: ResolvedSpec, held: dict[str, Digest]) -> Digest:
    """The digest of an experiment, whatever its parts are."""
    return resolution.experiment_digest(spec, held, NO_CODE)


def digests_by_value(way: tuple[str | int, ...], schema: documents.Document) -> dict[Any, Digest]:
    """The digests of documents that differ in the field at `way` alone, from the first start with two legal values."""
    most: dict[Any, Digest] = {}
    for document in generated.list_starts(way):
        found: dict[Any, Digest] = {}
        for value in generated.boundary_values(schema):
            documents.put(document, list(way), value)
            try:
                found[value] = digest(document)
            except BadInputError:
                continue
        most = max(most, found, key=len)
        if len(most) > 1:
            break
    return most


@pytest.mark.parametrize("field", documents.SCHEMA["properties"]["spec"]["properties"])
def test_a_field_changes_the_digest_exactly_when_it_is_identity(field: str) -> None:
    for way, schema in LEAVES:
        found = digests_by_value(way, schema) if way[1] == field else {}
        path = ".".join(str(part) for part in way[1:])
        named = way[way.index("endpoint") + 1] in NAMED if "endpoint" in way[:-1] and way[1] != "storage" else True
        if way[1] == field:
            assert (len(found) == 1) if path in ONE_VALUE else (len(found) > 1), path
            counts = way[1] in IDENTITY_FIELDS and path not in REFUSING and named
            assert len(set(found.values())) == (len(found) if counts else 1), path


def test_the_digest_of_the_smallest_run_stays_what_it_is() -> None:
    """Run folders are found again by it: a new default, or a renamed field, starts every experiment over."""
    assert digest(documents.minimal()) == "65196756b28d48347bb1c0266bd17b9b482588ff5941446b672b48cba369b4d4"
    before = digest(documents.patched({"spec.swarm": {"standard": {"scattered": 0}}}))
    assert before == "10a2438f0cd46ee54ac6b50ef934ded2720df28c18888d3e4a5702095cd01da3"
    published = digest(documents.patched({"spec.swarm.rule": "Published"}))
    assert published == "1cd5ec52871eca27910ba5493d3f7ae303802292c43938492e319914225fd6e1"


def test_a_preset_is_the_experiment_of_its_terms() -> None:
    weights = {"Difficulty": 0.6, "Separation": 0.2, "Novelty": 0.2}
    terms = [{"objective": {"type": name}, "weight": weight} for name, weight in weights.items()]
    preset = documents.patched({"spec.objective": {"type": "Weighted", "weighted": {"preset": "Paper"}}})
    assert digest(documents.patched({"spec.objective": documents.weigh(*terms)})) == digest(preset)
    assert digest(documents.patched({"spec.objective": documents.weigh(*terms, normalize="Start")})) != digest(preset)


@pytest.mark.parametrize("start", generated.STARTS, ids=lambda start: "+".join(start) or "minimal")
def test_writing_every_default_out_changes_nothing(start: documents.Patch) -> None:
    document = documents.patched(start)
    run = loading.parse_object(document, "run.yaml")
    explicit = {**document, "spec": run.spec.model_dump(mode="json", by_alias=True, exclude_none=True)}
    assert digest(explicit) == digest(document)


@pytest.mark.parametrize(
    "explicit",
    [
        {"spec.generators.count": 4},
        {"spec.generators.training": {}, "spec.generators.clustering": {"kmeans": {"embedder": {}}}},
        {"spec.swarm": {"optimizer": "ParticleSwarm", "rule": "Standard", "standard": {}}},
        {"spec.swarm": {"standard": {"scattered": 66}}},
        {"spec.swarm": {"groups": "Global", "merge": "Elementwise"}},
        {"spec.takers.0.model": "models/base"},
        {"spec.evaluation.items": 40.0, "spec.seed": -0.0},
        {"spec.storage": None, "spec.generators.adapters": None},
    ],
    ids="+".join,
)
def test_what_a_default_stands_for_may_be_written_out(explicit: documents.Patch) -> None:
    assert digest(documents.patched(explicit)) == digest(documents.minimal())


@pytest.mark.parametrize(
    "patch",
    [
        {"spec.budget": {"calls": 3, "tokens": 4}},
        {"metadata.name": "other", "metadata.labels": {"team": "a"}, "metadata.annotations": {"note": "b"}},
        {"spec.suspend": True},
        {"spec.storage": {"type": "Local", "local": {"path": "/runs"}}},
        {"spec.execution": {"attempts": 1, "itemDeadlineSeconds": 5, "local": {"device": "cpu", "threads": 1}}},
    ],
    ids=lambda patch: next(iter(patch)),
)
def test_what_is_outside_the_identity_changes_neither_digest(patch: documents.Patch) -> None:
    plain, other = resolved(documents.minimal()), resolved(documents.patched(patch))
    assert resolution.spec_digest(plain) == resolution.spec_digest(other)
    assert experiment_digest(plain, contents(plain)) == experiment_digest(other, contents(other))


@given(st.sampled_from(generated.STARTS), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_the_order_of_keys_changes_nothing(start: documents.Patch, seed: int) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, list):
            return [shuffled(entry) for entry in value]
        if not isinstance(value, dict):
            return value
        keys = random.Random(seed).sample(sorted(value), len(value))
        return {key: shuffled(value[key]) for key in keys}

    document = documents.patched(start)
    assert digest(shuffled(document)) == digest(document)


@pytest.mark.parametrize("start", generated.STARTS, ids=lambda start: "+".join(start) or "minimal")
def test_the_experiment_digest_follows_what_paths_hold_and_not_where_they_lie(start: documents.Patch) -> None:
    document = documents.patched(start)
    spec = resolved(document)
    before = experiment_digest(spec, contents(spec))
    text = json.dumps(document)
    moved = text
    for use in sorted(resolution.list_uris(spec), key=lambda use: -len(use.uri)):
        moved = moved.replace(f'"{use.uri}"', f'"/moved/{use.uri.strip("/")}"')
    elsewhere = resolved(json.loads(moved))
    assert resolution.spec_digest(elsewhere) != resolution.spec_digest(spec)
    there = {
        b.uri: contents(spec)[a.uri]
        for a, b in zip(resolution.list_uris(spec), resolution.list_uris(elsewhere), strict=True)
    }
    assert experiment_digest(elsewhere, there) == before
    for use in resolution.list_uris(spec):
        changed = {**contents(spec), use.uri: digest_bytes(b"changed")}
        assert experiment_digest(spec, changed) != before


def test_an_experiment_with_an_unknown_content_has_no_digest() -> None:
    spec = resolved(documents.minimal())
    known = contents(spec)
    del known["takers/tuned"]
    with pytest.raises(ValueError, match=r"spec\.takers\[1\]\.adapter: no digest for 'takers/tuned'"):
        experiment_digest(spec, known)


def test_every_uri_is_listed_with_its_role() -> None:
    spec = resolved(
        documents.patched(
            {
                "spec.generators.clustering": {"kmeans": {"embedder": documents.MODEL}},
                "spec.takers.0.model": "models/other",
            }
        )
    )
    assert [(use.role, use.uri, use.field) for use in resolution.list_uris(spec)] == [
        (UriRole.BASE, "models/base", "spec.base.model"),
        (UriRole.DATA, "data/seeds.jsonl", "spec.generators.data.uri"),
        (UriRole.EMBEDDER, "models/embedder", "spec.generators.clustering.kmeans.embedder.model.uri"),
        (UriRole.TAKER_MODEL, "models/other", "spec.takers[0].model"),
        (UriRole.TAKER_ADAPTER, "takers/tuned", "spec.takers[1].adapter"),
    ]
    given_adapters = resolved(documents.patched({"spec.generators.adapters": ["a", "b"]}))
    assert [use.field for use in resolution.list_uris(given_adapters) if use.role is UriRole.GENERATOR_ADAPTER] == [
        "spec.generators.adapters[0]",
        "spec.generators.adapters[1]",
    ]


def test_the_smallest_run_resolves_to_four_generators_trained_on_kmeans_clusters() -> None:
    spec = resolved(documents.minimal())
    assert spec.generators.count == 4
    assert isinstance(spec.generators.origin, TrainedAdapters)
    assert spec.generators.origin.clusters == ByKMeans(embedder=None)
    assert spec.generators.origin.training.rank == 16
    assert spec.rule == StandardSpec(scattered=66)
    assert isinstance(spec.takers[0], ResolvedTaker)
    assert spec.takers[0].model == "models/base"


def test_given_adapters_set_the_count_and_published_brings_its_constants() -> None:
    spec = resolved(documents.patched({"spec.generators.adapters": ["a", "b", "c"], "spec.swarm.rule": "Published"}))
    assert spec.generators.count == 3
    assert spec.generators.origin == GivenAdapters(adapters=("a", "b", "c"))
    assert spec.rule == PublishedSpec()


@pytest.mark.parametrize(
    ("chosen", "rule"),
    [
        ({"optimizer": "RandomSearch"}, BLOCKS["RandomSearch"]()),
        ({"optimizer": "RandomSearch", "randomSearch": {"halfWidth": 3}}, BLOCKS["RandomSearch"](half_width=3.0)),
        ({"optimizer": "CmaEs"}, BLOCKS["CmaEs"]()),
        ({"optimizer": "CmaEs", "cmaEs": {"maxPosition": 2.5}}, BLOCKS["CmaEs"]()),
        ({"rule": "Published", "published": {"compat": "Reference"}}, PublishedSpec(compat=Compat.REFERENCE)),
        ({"rule": "Published", "published": {"compat": "Intended"}}, PublishedSpec()),
    ],
    ids=str,
)
def test_a_search_resolves_to_one_block_and_is_told_apart_after_json(chosen: documents.Patch, rule: object) -> None:
    spec = resolved(documents.patched({"spec.swarm": chosen}))
    assert spec.rule == rule
    assert ResolvedSpec.model_validate_json(spec.model_dump_json()).rule == rule


def test_an_endpoint_is_named_by_its_address_and_model_however_the_address_is_written() -> None:
    def spec(url: str) -> ResolvedSpec:
        return resolved(documents.patched({"spec.takers.1": {"name": "far", "endpoint": {"url": url, "model": "m"}}}))

    ways = [spec(url) for url in ("https://host", "https://host/", "https://host/v1", "https://host/v1/")]
    far = RemoteTaker(name="far", endpoint=EndpointIdentity(url="https://host/v1", model="m"))
    assert [way.takers[1] for way in ways] == [far] * 4
    assert len({resolution.spec_digest(way) for way in ways}) == 1
    assert spec("https://host/v2").takers[1] != ways[0].takers[1]
    assert experiment_digest(ways[0], contents(ways[0])) != experiment_digest(spec("https://other"), contents(ways[0]))


def test_a_judging_model_resolves_to_all_that_it_is_told_and_its_key_stays_apart() -> None:
    spec = resolved(documents.patched({"spec.judge": documents.MARKS}))
    assert isinstance(spec.judge, ResolvedJudge)
    judge = spec.judge.judge
    assert (judge.config["scale"], judge.config["maxTokens"]) == ({"low": 1, "high": 5}, 256)
    assert judge.endpoint == EndpointIdentity(url="https://models.test/v1", model="large")
    assert [gate.endpoint for gate in spec.gates] == [None, None, None, None, judge.endpoint]
    assert [(way.owner, way.field, way.env) for way in spec.access] == [("judge", "spec.judge.model.endpoint", "KEY")]
    assert "KEY" not in resolution.serialize_identity(spec, contents(spec), NO_CODE).decode()


def test_the_variable_of_a_key_is_a_function_of_whose_it_is() -> None:
    names = ["a", "a-b", "judge", "b"]
    found = [endpoints.key_variable(owner) for owner in (endpoints.JUDGE_OWNER, *map(endpoints.taker_owner, names))]
    assert found[:3] == ["DATASWARM_API_KEY_JUDGE", "DATASWARM_API_KEY_TAKERS_A", "DATASWARM_API_KEY_TAKERS_A_B"]
    assert len(set(found)) == len(found)


def test_every_secret_is_told_by_the_variable_that_the_worker_reads() -> None:
    patch = {"spec.takers": [documents.FIRST, documents.SECOND], "spec.judge": documents.MARKS}
    judge = {**documents.MARKS["model"], "endpoint": {**documents.FIRST["endpoint"], "model": "large"}}
    run = loading.parse_object(documents.patched({**patch, "spec.judge.model": judge}), "run.yaml")
    secret = endpoints.SecretKeyRef(name="keys", key="far")
    told = endpoint_access.secrets_by_variable(resolution.resolve_run(run).access)
    assert told == {"DATASWARM_API_KEY_TAKERS_FAR": secret, "DATASWARM_API_KEY_JUDGE": secret}
    assert endpoint_access.secrets_by_variable(resolved(documents.minimal()).access) == {}


def test_layers_and_exact_sums_resolve_to_their_constants_or_to_none() -> None:
    plain = resolved(documents.minimal()).swarm
    assert (plain.per_layer, plain.exact) == (None, None)
    chosen = resolved(documents.patched({"spec.swarm": {"groups": "PerLayer", "merge": "Exact"}})).swarm
    assert (chosen.per_layer, chosen.exact) == (PerLayer(), Exact())


@pytest.mark.parametrize("start", generated.STARTS, ids=lambda start: "+".join(start) or "minimal")
def test_a_resolved_spec_survives_json(start: documents.Patch) -> None:
    spec = resolved(documents.patched(start))
    assert ResolvedSpec.model_validate_json(spec.model_dump_json()) == spec
