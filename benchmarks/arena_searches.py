"""The searches that benchmarks compare: every objective on every arena with one size, some two minutes on two cores.

Limits: toy arenas. A search with `Consistency` divides its items among four repeats, so that it asks for as many items
as the others; its values are those of small sets. Values of different objectives do not compare.
"""

from pathlib import Path
from typing import Any

import yaml

EXAMPLES = Path(__file__).parents[1] / "examples"
ARENAS = {"arithmetic": "demo.yaml", "stories": "swarmrun.yaml"}
"""Arena -> its SwarmRun. Both have the same sizes."""
CORPUS = "users.jsonl"
REPEATS = 4
OBJECTIVES: dict[str, dict[str, Any]] = {
    "Difficulty": {"objective": {"type": "Difficulty"}},
    "Separation": {"objective": {"type": "Separation"}},
    "Novelty": {"objective": {"type": "Novelty"}},
    "Consistency": {
        "objective": {"type": "Consistency", "consistency": {"repeats": REPEATS}},
        "evaluation": {"items": 80 // REPEATS, "final": {"items": 160 // REPEATS, "seeds": 2}},
    },
    "Personalization": {"objective": {"type": "Personalization", "corpus": {"uri": CORPUS}}, "takers": []},
}
"""Objective -> the fields that replace those of the arena's spec."""


def build_document(arena: str, objective: str, seed: int) -> dict[str, Any]:
    """Build the SwarmRun of one arena, objective and seed. Its paths are relative to the folder of the arena."""
    document: dict[str, Any] = yaml.safe_load((EXAMPLES / arena / ARENAS[arena]).read_text())
    spec, changes = document["spec"], OBJECTIVES[objective]
    evaluation = {**spec["evaluation"], **changes.get("evaluation", {})}
    document["spec"] = {**spec, **changes, "evaluation": evaluation, "seed": seed}
    return document
