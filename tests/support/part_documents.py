"""What the catalog and the registry of optimizers say about SwarmRun documents: for every part with settings, documents
with them, and for every rule of its block one that is accepted and one that is refused.

A part that is added appears here by itself; the valid and invalid settings stand in its own file (`Settings.examples`).
"""

from collections.abc import Iterator
from typing import Any

from pydantic.alias_generators import to_camel, to_snake

from swarm_core import catalog
from swarm_core.api import optimizer_blocks, part_choice
from swarm_core.blocks.block import union_member_rule
from swarm_core.blocks.settings import find_endpoint_field

Patch = dict[str, Any]
PLACES = {
    "objectives": "spec.objective",
    "verifiers": "spec.judge.verifier",
    "judges": "spec.judge",
    "gates": "spec.gates",
    "rivals": "spec.evaluation.rivals",
}
"""Where a spec chooses a part of each group."""
ENDPOINT = {"url": "https://models.test", "model": "large"}
KEYS = ({"apiKeySecretRef": {"name": "keys", "key": "far"}}, {"apiKeyEnv": "KEY"}, {"apiKeyFile": "key"})
"""Every place where the key of an endpoint may be."""
FIELDS = {"text": "question", "input": "more", "reference": "answer", "choices": "options"}
SOURCE = {"uri": "data/more.jsonl", "split": "train", "fields": FIELDS}
OMITTING = {**ENDPOINT, "omit": ["seed", "seed"]}
OTHER = {"type": "Plugin", "plugin": {"name": "mine"}}


def choose(group: str, choice: Patch, gates: int = 1) -> Patch:
    """The patch that makes `choice` the part of `group`, one of the rivals, or this many of the gates."""
    several = {"gates": [choice] * gates, "rivals": [choice]}
    return {PLACES[group]: several.get(group, choice)}


def list_parts() -> Iterator[tuple[str, str, Any]]:
    """Every part with settings: its group, its name and the class of its settings."""
    for group, names in catalog.GROUPS.items():
        for name in names:
            block = part_choice.find_settings(group, name)
            if block.model_fields:
                yield group, name, block


def write(name: str, block: Any) -> Patch:
    """A choice of the part `name` with these settings."""
    return {"type": name, to_camel(to_snake(name)): block}


def list_rules() -> Iterator[tuple[str, Patch, Patch]]:
    """Every rule about the settings of a part or an optimizer: its message, what it accepts and what it refuses."""
    for group, name, block in list_parts():
        required, good = part_choice.is_required(block), block.examples[0]
        accepted = choose(group, write(name, good))
        refused = {"type": name} if required else {**write(name, good), **OTHER}
        yield union_member_rule(to_snake(name), "type", name, required).message, accepted, choose(group, refused)
        for message, bad in block.counterexamples.items():
            yield message, accepted, choose(group, write(name, bad))
    for name in optimizer_blocks.BLOCKS:
        block = {to_camel(to_snake(name)): {}}
        rule = union_member_rule(to_snake(name), "optimizer", name)
        yield rule.message, {"spec.swarm": {"optimizer": name, **block}}, {"spec.swarm": block}


def list_starts() -> Iterator[Patch]:
    """Documents with every part that has settings, with every optimizer, and with every source of an endpoint's key.

    A judge is also the first and the second member of a panel.
    """
    for start in list_single_starts():
        yield start
        judge = start.get("spec.judge") or {"type": "Verifier", "verifier": start.get("spec.judge.verifier")}
        if judge.get("verifier") or "spec.judge" in start:
            yield {"spec.judge": {"type": "Panel", "panel": {"members": [judge, judge]}}}


def list_single_starts() -> Iterator[Patch]:
    """The starts of `list_starts` without panels."""
    for name in optimizer_blocks.BLOCKS:
        yield {"spec.swarm": {"optimizer": name, to_camel(to_snake(name)): {}, "particles": 11}}
    for group, name, block in list_parts():
        yield from (choose(group, write(name, example), gates=2) for example in block.examples)
        if group == "rivals":  # a rival is listed once, so it is second behind another one
            yield from ({PLACES[group]: [{"type": "UniformSoup"}, write(name, example)]} for example in block.examples)
        field = find_endpoint_field(block)
        for key in KEYS if field else ():
            choice = write(name, {**block.examples[0], to_camel(field): {**OMITTING, **key}})
            yield choose(group, choice, gates=2)
            if group == "rivals":
                yield {PLACES[group]: [{"type": "UniformSoup"}, choice]}
    yield choose("gates", {**OTHER, "plugin": {"name": "mine", "data": [SOURCE, {**SOURCE, "uri": "two"}]}}, gates=2)
    yield choose("gates", write("Contamination", {"testSets": [SOURCE]}), gates=2)
    for group in ("judges", "gates"):
        for key in KEYS:
            yield choose(group, {**OTHER, "plugin": {"name": "mine", "endpoint": {**OMITTING, **key}}}, gates=2)
