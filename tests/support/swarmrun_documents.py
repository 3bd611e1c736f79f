"""SwarmRun documents for tests: a minimal one, settings to put into it, and edits of a run that exists."""

import copy
from typing import Any

import part_documents

from swarm_core.api import crd, custom_resources

Document = dict[str, Any]
Patch = dict[str, Any]
"""New values by dotted path; `GONE` removes."""
GONE = "<gone>"
RESOURCE = custom_resources.find_resource("SwarmRun")
SCHEMA = crd.build_manifest(RESOURCE)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def minimal() -> Document:
    """The shortest document that is a SwarmRun."""
    return {
        "apiVersion": "dataswarm.io/v1alpha1",
        "kind": "SwarmRun",
        "metadata": {"name": "arithmetic"},
        "spec": {
            "base": {"model": "models/base"},
            "generators": {"data": {"uri": "data/seeds.jsonl"}},
            "takers": [{"name": "bare"}, {"name": "tuned", "adapter": "takers/tuned"}],
            "judge": {"type": "Verifier", "verifier": {"type": "Arithmetic"}},
            "objective": {"type": "Difficulty"},
        },
    }


def patched(patch: Patch, document: Document | None = None) -> Document:
    """A copy of `document` (by default the minimal one) with `patch` applied; missing mappings are created."""
    document = copy.deepcopy(minimal() if document is None else document)
    for path, value in patch.items():
        put(document, [int(part) if part.isdigit() else part for part in path.split(".")], value)
    return document


def put(document: Any, path: list[str | int], value: Any) -> None:
    """Set the value at `path`, or remove it with `GONE`. Does nothing if the path leads through a value."""
    *way, last = path
    for part in way:
        if isinstance(document, dict):
            document = document.setdefault(part, {})
        elif isinstance(document, list) and isinstance(part, int) and part < len(document):
            document = document[part]
        else:
            return
    if isinstance(document, dict) and value == GONE:
        document.pop(last, None)
    elif isinstance(document, dict) or (isinstance(document, list) and isinstance(last, int) and last < len(document)):
        document[last] = copy.deepcopy(value)


CLUSTER = "spec.execution.kubernetes"
MODEL = {"type": "Model", "model": {"uri": "models/embedder"}}
JUDGE_ENDPOINT = part_documents.ENDPOINT
ENDPOINT = {**JUDGE_ENDPOINT, "model": "small"}
"""The endpoint of a taker, which asks another model than the judge."""
FIRST = {"name": "far", "endpoint": {**ENDPOINT, "apiKeySecretRef": {"name": "keys", "key": "far"}}}
SECOND = {"name": "near", "endpoint": {**ENDPOINT, "apiKeyFile": "key", "requestsPerMinute": 60}}
UNSEEN = {"name": "other", "model": "models/other"}
"""A taker that the search never asks."""
MARKS = {"type": "Model", "model": {"endpoint": {**JUDGE_ENDPOINT, "apiKeyEnv": "KEY"}, "scale": {"low": 1, "high": 5}}}
EXACT = {"type": "Verifier", "verifier": {"type": "ExactMatch"}}
PANEL: Patch = {"type": "Panel", "panel": {"members": [MARKS, EXACT]}}
PLUGIN = {"type": "Plugin", "plugin": {"name": "mine", "config": {"depth": {"of": [1, 2.5, "x", True]}, "most": 3}}}
FAR_PLUGIN = {"type": "Plugin", "plugin": {"name": "mine", "endpoint": {**JUDGE_ENDPOINT, "apiKeyEnv": "KEY"}}}
CORPUS: Patch = {"corpus": {"uri": "data/user.jsonl"}}
PERSONAL = {"type": "Personalization", "corpus": {"uri": "data/user.jsonl", "neighbors": 3}}
HARD: Document = {"objective": {"type": "Difficulty"}, "weight": 0.5}
GOAL: Document = {"objective": {"type": "Difficulty"}}
OTHER_GOAL: Document = {"objective": {"type": "Separation"}, "atLeast": 0.1}
APART: Document = {"objective": {"type": "Separation"}, "weight": 0.5}


def weigh(*terms: Document, **settings: Any) -> Document:
    """A weighted sum of these terms."""
    return {"type": "Weighted", "weighted": {"terms": list(terms), **settings}}


def trade(*terms: Document) -> Document:
    """The patch of a run that searches for the Pareto front of these terms."""
    front = {"type": "Pareto", "pareto": {"terms": [{**one} for one in terms]}}
    return {"spec.objective": front, "spec.swarm.rule": "MultiObjective"}


EDITS = {
    "seed": ({}, {"spec.seed": 1}),
    "base": ({}, {"spec.base.maxModelLen": 128}),
    "generators": ({}, {"spec.generators.count": 5}),
    "domain": ({}, {"spec.domain": "sums"}),
    "takers": ({}, {"spec.takers.0.name": "other"}),
    "generation": ({}, {"spec.generation.shots": 4}),
    "answering": ({}, {"spec.answering.maxTokens": 7}),
    "prompts": ({"spec.prompts": {}}, {"spec.prompts.answering.text": "{item}?"}),
    "judge": ({"spec.judge": MARKS}, {"spec.judge.model.scale.high": 6}),
    "gates": ({"spec.gates": [PLUGIN]}, {"spec.gates": []}),
    "objective": ({"spec.objective": PLUGIN}, {"spec.objective.plugin.config.depth.of": [1, 2]}),
    "swarm": ({}, {"spec.swarm.patience": 3}),
    "evaluation": ({}, {"spec.evaluation.final.seeds": 4}),
    "storage": ({"spec.storage": {"type": "Local", "local": {"path": "a"}}}, {"spec.storage": GONE}),
    "resumeFrom": ({"spec.resumeFrom": {"uri": "runs/a", "iteration": 3}}, {"spec.resumeFrom.iteration": 2}),
}
"""For every immutable field: a document, and an edit that is refused."""
FREE_EDITS = (
    {"spec.suspend": True},
    {"spec.execution": {"attempts": 5, "local": {"device": "cpu", "threads": 2}}},
    {"spec.rerun": "again", "spec.stopAfter": 3, "spec.deadlineSeconds": 60, "spec.ttlSecondsAfterFinished": 0},
    {"spec.budget": {"calls": 5, "gpuHours": 1.5}},
    {CLUSTER: {"maxAccelerators": 4}},
    {f"{CLUSTER}.podTemplate": {"affinity": {"nodeAffinity": {}}, "labels": {"team": "a"}}},
    {"metadata.labels": {"team": "a"}},
)
"""Edits that are accepted."""
PLACE = {"bucket": "swarms", "prefix": "team"}
STORAGE_EDITS = (
    ({**PLACE, "credentialsSecretRef": {"name": "store-6f2"}}, True),
    ({**PLACE, "endpoint": "https://s3.example"}, True),
    ({**PLACE, "region": "eu-west-1", "requestChecksum": "WhenRequired", "singleWriter": True}, True),
    ({**PLACE, "bucket": "other"}, False),
    ({**PLACE, "prefix": "other"}, False),
    ({"bucket": "swarms"}, False),
)
"""New settings of a bucket that was PLACE, and whether they are accepted."""
