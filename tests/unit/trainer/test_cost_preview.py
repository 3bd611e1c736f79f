"""The lines of `dataswarm validate` about costs: what the disk must hold."""

import re
from typing import Any

import pytest
import swarmrun_documents as documents

from swarm_core.api import loading, resolution
from swarm_core.costs import ModelSize
from swarm_trainer.programs.swarm_run import cost_preview

WIDTH = 2**18
SIZE = ModelSize(parameters=1_000, stored_bytes=2_000, cached_numbers=64, widths=(("q_proj", WIDTH),))
TRAINING = {"rank": 1, "targetModules": ["q_proj"]}
MIB_OF_RANK = 4 * WIDTH // 2**20
TERMS = [{"objective": {"type": name}} for name in ("Difficulty", "Separation")]
FRONT = {
    "spec.objective": {"type": "Pareto", "pareto": {"terms": TERMS}},
    "spec.swarm": {"rule": "MultiObjective"},
}


@pytest.mark.parametrize(
    ("patch", "adapters", "mebibytes"),
    [
        ({}, 4, 4 * MIB_OF_RANK),
        ({"spec.evaluation.student": {"seeds": 3, "training": {**TRAINING, "rank": 2}}}, 13, (4 + 9 * 2) * MIB_OF_RANK),
        (FRONT, 6, 6 * MIB_OF_RANK),
    ],
    ids=["a search", "students", "a front"],
)
def test_the_disk_holds_the_adapters_of_generators_of_a_front_and_of_students(
    patch: dict[str, Any], adapters: int, mebibytes: int
) -> None:
    document = documents.patched({"spec.generators.count": 3, "spec.generators.training": TRAINING, **patch})
    resolved = resolution.resolve_run(loading.parse_object(document, "run.yaml"))
    said = cost_preview.describe_disk(resolved, {resolved.base.model: SIZE}, 0)
    found = re.search(r"(\d+) adapters: ([\d.]+) MiB", said)
    assert found is not None, said
    assert (int(found[1]), float(found[2])) == (adapters, mebibytes)


def test_the_disk_of_rivals_is_not_in_the_sum_and_the_line_says_so() -> None:
    document = documents.patched({"spec.evaluation.rivals": [{"type": "Slerp"}]})
    resolved = resolution.resolve_run(loading.parse_object(document, "run.yaml"))
    assert " adapters besides those of rivals: " in cost_preview.describe_disk(resolved, {}, 0)
