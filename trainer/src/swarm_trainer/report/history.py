"""`history.jsonl`: one line per iteration, every probe with its coefficients and what it measured.

Coefficients are a list over the initial adapters, or one such list for each layer.
"""

import json
from collections.abc import Iterable, Iterator

from swarm_core.commit import Commit, ProbeResult
from swarm_core.objectives.objective import Measurement
from swarm_core.optimizers import optimization
from swarm_core.rollout import Unmeasured
from swarm_core.swarm_names import GENERATORS
from swarm_trainer.report.result import measurement_to_json, nest_coefficients
from swarm_trainer.report.usage_report import Json


def serialize(commits: Iterable[Commit]) -> str:
    """One JSON object a line, first iteration first."""
    return "".join(json.dumps(line, allow_nan=False) + "\n" for line in build_iterations(commits))


def build_iterations(commits: Iterable[Commit]) -> Iterator[dict[str, Json]]:
    for commit in commits:
        best = optimization.best(optimization.from_json(commit.swarm))
        yield {
            "iteration": commit.iteration,
            **({"moved": commit.moved} if commit.moved != GENERATORS or commit.opponents else {}),
            "commit": commit.digest,
            "best": None if best is None else {"name": best.name, "value": best.value},
            "probes": [build_probe(one, len(commit.basis)) for one in commit.probes],
        }


def build_probe(one: ProbeResult, basis: int) -> dict[str, Json]:
    groups = len(one.position) // basis
    return {
        "name": one.name,
        "purpose": one.purpose,
        "coefficients": nest_coefficients(one.position, groups),
        "recipe": one.model,
        "rollout": one.rollout,
        "fitness": one.fitness,
        "values": {name: build_value(found) for name, found in one.values},
    }


def build_value(found: Measurement | Unmeasured) -> dict[str, Json]:
    return measurement_to_json(found) if isinstance(found, Measurement) else {"unscored": found.reason}
