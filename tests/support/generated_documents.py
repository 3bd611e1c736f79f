"""SwarmRun documents of every kind: good ones to start from, and what puts any value at any place of the schema.

Values lie at the limits of a field, just past them, or are junk; `documents` draws from all of it.
"""

import copy
from collections.abc import Iterator
from typing import Any

import part_documents
from hypothesis import strategies as st
from swarmrun_documents import (
    APART,
    CLUSTER,
    ENDPOINT,
    FIRST,
    GOAL,
    GONE,
    HARD,
    MARKS,
    MODEL,
    OTHER_GOAL,
    PANEL,
    PLUGIN,
    SCHEMA,
    SECOND,
    UNSEEN,
    Document,
    Patch,
    patched,
    put,
    trade,
    weigh,
)

TERMS = (*({"type": name, name.lower(): {}} for name in ("Separation", "Novelty", "Consistency")), PLUGIN)
"""Objectives with settings, as terms of several."""
STARTS: tuple[Patch, ...] = (
    {},
    {"spec.seed": 7, "spec.suspend": False, "spec.domain": "sums", "spec.execution": {"local": {"threads": 2}}},
    {"spec.generators.adapters": ["a", "b", "c"], "spec.objective.type": "Separation"},
    {
        "spec.generators.count": 3,
        "spec.generators.training": {"targetModules": ["q_proj", "v_proj"]},
        "spec.generators.clustering.kmeans": {},
    },
    {"spec.generators.clustering": {"kmeans": {"embedder": MODEL}}},
    {
        "spec.generators.examples": part_documents.SOURCE,
        "spec.generators.heldOut": {**part_documents.SOURCE, "uri": "data/kept.jsonl"},
        "spec.generators.overlap": "Remove",
    },
    {"spec.generators.clustering": {"type": "Field", "field": {"name": "topic"}}},
    {"spec.swarm": {"rule": "Published", "published": {"stepLength": 10}, "particles": 4}},
    {"spec.swarm": {"standard": {"start": "Generators", "remeasured": 0}}, "spec.takers.0.model": "/models/other"},
    {"spec.swarm": {"groups": "PerLayer", "perLayer": {"cohesion": 0.5}}},
    {"spec.resumeFrom": {"uri": "runs/a", "iteration": 0}},
    {"spec.generation": {"format": "QuestionsAndAnswers", "answerCheck": "Takers", "agreeingTakers": 1}},
    {"spec.generation": {"format": "MultipleChoice", "shots": 4}},
    {"spec.judge": {**PANEL, "panel": {**PANEL["panel"], "rule": "Majority", "atLeast": 2}}},
    {
        "spec.prompts": {
            "generation": {"text": "{examples}", "system": "s"},
            "answering": {"text": "{item}", "system": "s"},
        }
    },
    {"spec.objective": weigh({**HARD, "name": "hard"}, {**APART, "atLeast": 0.1}, normalize="Start")},
    {"spec.objective": {"type": "Weighted", "weighted": {"preset": "Paper"}, "reference": {"uri": "data/real.jsonl"}}},
    trade(GOAL, {**OTHER_GOAL, "name": "apart"}) | {"spec.swarm.multiObjective": {"archive": 8}},
    {"spec.swarm": {"merge": "Exact", "exact": {"maxRank": 32}, "optimizer": "CmaEs"}},
    {"spec.storage": {"type": "S3", "s3": {"bucket": "swarms", "region": "eu-west-1", "singleWriter": True}}},
    {f"{CLUSTER}": {"inference": "Local", "trainer": {"accelerators": 0, "cpu": "500m"}, "queue": "team-a"}},
    {
        f"{CLUSTER}.podTemplate": {
            "nodeSelector": {"kubernetes.io/arch": "amd64"},
            "tolerations": [{"key": "gpu", "effect": "NoExecute"}] * 2,
            "env": [{"name": "A", "value": ""}, {"name": "B", "value": "b"}],
            "affinity": {"nodeAffinity": {}},
            "topologySpreadConstraints": [{"maxSkew": 1}, {"maxSkew": 2}],
            "annotations": {"sidecar.istio.io/inject": "false"},
            "labels": {"team": "a"},
            "user": {"type": "Fixed", "fixed": {}},
            "imagePullSecrets": [{"name": "a"}, {"name": "b"}],
        },
        f"{CLUSTER}.modelCache.claim.size": "50Gi",
        f"{CLUSTER}.maxAccelerators": 64,
        f"{CLUSTER}.caBundle": {"configMap": "authorities"},
        f"{CLUSTER}.proxy": {"httpProxy": "http://proxy:3128", "noProxy": ["a", ".b"]},
        f"{CLUSTER}.servers": {"extraArgs": ["--max-num-seqs=64", "--enforce-eager"], "tensorParallel": 64},
    },
    {"spec.storage": {"type": "Local", "local": {"path": "runs/a"}}, "spec.evaluation": {"final": {"items": 8}}},
    {"spec.takers": [FIRST, SECOND], "spec.budget": {"calls": 9, "tokens": 10}},
    {"spec.evaluation.unseen": [UNSEEN, {"name": "more", "adapter": "takers/more"}]},
    {"spec.evaluation.student": {"training": {"targetModules": ["q_proj", "v_proj"]}, "test": part_documents.SOURCE}},
    *(
        {
            "spec.evaluation.unseen": [
                {"name": name, "endpoint": {**part_documents.OMITTING, **key}} for name in ("far", "far-too")
            ]
        }
        for key in part_documents.KEYS
    ),
    {"spec.takers": [SECOND, {**FIRST, "endpoint": {**ENDPOINT, "apiKeyEnv": "KEY"}}]},
    {"spec.takers": [FIRST, FIRST | {"name": "far-too"}]},
    {"spec.takers": [{"name": name, "endpoint": part_documents.OMITTING} for name in ("far", "far-too")]},
    *({"spec.objective": weigh(*({"objective": term, "weight": 1, "name": n} for n in "ab"))} for term in TERMS),
    *(trade(*({"objective": term, "name": n} for n in "ab")) for term in TERMS),
    {
        "spec.generators.data.fields": part_documents.FIELDS,
        "spec.objective": {"type": "Novelty", "reference": part_documents.SOURCE},
    },
    {"spec.objective": {"type": "Personalization", "corpus": part_documents.SOURCE}, "spec.takers": []},
    {"spec.judge": {"type": "Panel", "panel": {"members": [{"type": "Verifier", "verifier": PLUGIN}] * 2}}},
    {"spec.objective": PLUGIN, "spec.judge.verifier": PLUGIN, "spec.gates": [PLUGIN, PLUGIN]},
    {"spec.judge": MARKS, "spec.takers.0": {"name": "far", "endpoint": {**ENDPOINT, "apiKeyEnv": "KEY"}}},
    {"spec.evaluation.rivals": [{"type": "UniformSoup"}]},
    {"spec.evaluation.rivals": [{"type": "UniformSoup"}, {"type": "FewShotBase"}]},
    {"spec.evaluation.rivals": [PLUGIN, {**PLUGIN, "plugin": {"name": "other"}}]},
    *part_documents.list_starts(),
)
STARTED = [patched(start) for start in STARTS]
JUNK = (None, True, False, 0, -1, 1.5, 3.0, -0.0, 10**12, "", "3", "true", "x", [], {}, [None], [{}])


def schema_paths(
    schema: Document = SCHEMA["properties"]["spec"], way: tuple[str | int, ...] = ("spec",)
) -> Iterator[tuple]:
    """Every path below `way`, with its schema; of a list, its first two entries; of a map, two keys."""
    for name, part in schema.get("properties", {}).items():
        yield (*way, name), part
        yield from schema_paths(part, (*way, name))
    for name in ("a", "b/c") if "additionalProperties" in schema else ():
        yield (*way, name), schema["additionalProperties"]
    for index in range(2) if "items" in schema else ():
        yield (*way, index), schema["items"]
        yield from schema_paths(schema["items"], (*way, index))


SCHEMA_PATHS = list(schema_paths())
DISTINCT_PATHS = [(way, schema) for way, schema in SCHEMA_PATHS if 1 not in way[:-1]]
"""The paths without those below the second entry of a list: its fields have the schemas of the first entry."""


def list_starts(way: tuple[str | int, ...]) -> Iterator[Document]:
    """Copies of the starts, first those that lead furthest along `way`, where a value is not refused for its place."""
    for document in sorted(STARTED, key=lambda document: -count_steps(document, way)):
        yield copy.deepcopy(document)


def count_steps(document: Any, way: tuple[str | int, ...]) -> int:
    """How many steps of `way` the document has. The last step does not count."""
    for count, step in enumerate(way[:-1]):
        if not (step in document if isinstance(document, dict) else isinstance(step, int) and step < len(document)):
            return count
        document = document[step]
    return len(way) - 1


def boundary_values(schema: Document) -> list[Any]:
    """Values at and just past the limits of `schema`."""
    low, high = schema.get("minimum", 0), schema.get("maximum", 9)
    match schema["type"]:
        case "integer":
            return [low, high, float(low), low - 1, high + 1, low + 0.5]
        case "number":
            return [low, high, (low + high) / 2, low - 0.01, high + 0.01]
        case "boolean":
            return [True, False]
        case "string":
            longest, shortest = schema.get("maxLength", 20), schema.get("minLength", 0)
            texts = [
                "a-b",
                "A_b",
                "-a",
                "a\n",
                "a b",
                "é" * longest,
                "a" * longest,
                "a" * (longest + 1),
                "a" * shortest,
            ]
            return [
                *schema.get("enum", []),
                *texts,
                "hf://a/b",
                "hf://a/b@c/d",
                "hf://a",
                "s3://abc/d",
                "s3://a/b",
                "https://a",
                "http://a:1/",
                "file:///a",
                "file://",
                "a://",
                *("4", "16Gi", "a.b/c", "d.e/f", "--enforce-eager", "--block-size=16"),
                *("{item}", "{item}?", "{examples}", "{examples}!"),
                "\x07",
                "😀",
            ]
        case "array":
            entries = [[entry] * count for entry in ("ab", {"name": "n"}) for count in (1, 2, schema["maxItems"] + 1)]
            return [*entries, [{"name": "n"}, {"name": "m"}], ["a", "b"], ["a", "b", "c", "d"]]
        case _:
            return [{}, *({f"k{key}": "v" for key in range(most)} for most in (16, 17) if "maxProperties" in schema)]


def list_boundary_documents(field: str) -> Iterator[Document]:
    """Documents with every value at the limits of every field below the field `field` of a spec, or with junk there.

    What is junk for a field is tried at the first of the places that have the same field.
    """
    told: set[tuple[str | int, str]] = set()
    for way, schema in DISTINCT_PATHS:
        if way[1] != field:
            continue
        start = next(list_starts(way))
        junk = () if (way[-1], str(schema)) in told else (*JUNK, GONE)
        told.add((way[-1], str(schema)))
        for value in [*boundary_values(schema), *junk]:
            document = copy.deepcopy(start)
            put(document, list(way), value)
            yield document


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A valid document with none to three things about it changed, by its schema or by junk."""
    document = patched(draw(st.sampled_from(STARTS)))
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 1, 1, 2, 3)))):
        way, schema = draw(st.sampled_from(SCHEMA_PATHS))
        value = draw(st.sampled_from([*boundary_values(schema)] * 3 + [*JUNK, GONE, GONE]))
        put(document, list(way), value)
    return document
