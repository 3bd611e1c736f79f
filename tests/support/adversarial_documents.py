"""AdversarialRun documents for tests: a smallest one, and an accept and a reject example of every rule of its own."""

import swarmrun_documents as documents
from rule_example import Example
from swarmrun_documents import Document, Patch

from swarm_core.api import crd, custom_resources

RESOURCE = custom_resources.find_resource("AdversarialRun")
SCHEMA = crd.build_manifest(RESOURCE)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
REFERENCE = {"rule": "Published", "published": {"compat": "Reference"}}
TRAINED = "the released code does not train takers; set learning.type to Search, or compat to Intended"


def minimal() -> Document:
    return {
        "apiVersion": "dataswarm.io/v1alpha1",
        "kind": "AdversarialRun",
        "metadata": {"name": "game"},
        "spec": {
            "base": {"model": "models/base"},
            "generators": {"data": {"uri": "seeds.jsonl"}},
            "takers": {"data": {"uri": "takers.jsonl"}},
            "judge": {"type": "Verifier", "verifier": {"type": "Arithmetic"}},
        },
    }


def patched(patch: Patch) -> Document:
    return documents.patched(patch, minimal())


EXAMPLES = (
    Example(
        "takers learn from correct answers, which only a verifier can compute; set type to Verifier",
        {"spec.judge": {"type": "Verifier", "verifier": {"type": "Arithmetic"}}},
        {"spec.judge": {"type": "Model", "model": {"endpoint": {"url": "https://host/v1", "model": "judge"}}}},
    ),
    Example(
        "decay belongs to bests Decay; remove decay, or set bests to Decay",
        {"spec.takers.swarm": {"bests": "Decay", "decay": {"factor": 0.5}}},
        {"spec.takers.swarm": {"decay": {"factor": 0.5}}},
    ),
    Example(
        "published belongs to rule Published; remove it, or set rule to Published",
        {"spec.generators.swarm": REFERENCE},
        {"spec.generators.swarm": {"published": {}}},
    ),
    Example(
        "standard belongs to rule Standard; remove it, or set rule to Standard",
        {"spec.generators.swarm": {"standard": {}}},
        {"spec.generators.swarm": {"rule": "Published", "standard": {}}},
    ),
    Example(
        "rule MultiObjective searches for a front, and a game has one objective for each side; choose rule Standard or"
        " Published",
        {"spec.generators.swarm": {"rule": "Published"}},
        {"spec.generators.swarm": {"rule": "MultiObjective"}},
    ),
    Example(
        "train belongs to type Train; remove it, or set type to Train",
        {"spec.takers.learning": {"type": "Train", "train": {}}},
        {"spec.takers.learning": {"train": {}}},
    ),
    Example(
        "the takers' held-out items show whether they improve; set data.heldOut above 0",
        {"spec.takers.data.heldOut": 0.2},
        {"spec.takers.data.heldOut": 0},
    ),
    Example(
        TRAINED,
        {"spec.takers.learning": {"type": "Train"}, "spec.takers.swarm": {"rule": "Published", "published": {}}},
        {"spec.takers.learning": {"type": "Train"}, "spec.takers.swarm": REFERENCE},
    ),
    Example(
        "in a game the judge computes the answers, and takers that move cannot check any; set format to Questions",
        {"spec.generation": {"format": "Questions"}},
        {"spec.generation": {"format": "QuestionsAndAnswers"}},
    ),
    Example(
        "patience must be at most rounds, or it can never end the game; lower patience, or remove it",
        {"spec.rounds": 4, "spec.stop": {"patience": 4}},
        {"spec.rounds": 4, "spec.stop": {"patience": 5}},
    ),
    Example(
        "count differs from the number of adapters; remove count",
        {"spec.takers.adapters": ["a", "b"]},
        {"spec.takers.adapters": ["a", "b"], "spec.takers.count": 3},
    ),
)
