"""`history.jsonl`: one line per iteration, every probe with its coefficients and what it measured.

Coefficients are a list over the initial adapters, or one such list for each layer.
"""

import json
from collections.abc import Iterable, Iterator

from swarm_core.commit import Commit, Probed
from swarm_core.objectives.objective import Measurement
from swarm_core.sides import GENERATORS
from swarm_core.swarm import pso
from swarm_trainer.report.account import Json
from swarm_trainer.report.result import coefficients, measured


def text(commits: Iterable[Commit]) -> str:
    """One JSON object a line, first iteration first."""
    return "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines(commits))


def lines(commits: Iterable[Commit]) -> Iterator[dict[str, Json]]:
    for commit in commits:
        best = pso.best(pso.from_json(commit.swarm))
        yield {
            "iteration": commit.iteration,
            **({"moved": commit.moved} if commit.moved != GENERATORS or commit.opponents else {}),
            "commit": commit.digest,
            "best": None if best is None else {"name": best.name, "value": best.value},
            "probes": [probe(one, len(commit.basis)) for one in commit.probes],
        }


def probe(one: Probed, basis: int) -> dict[str, Json]:
    result, groups = one.result, len(one.position) // basis
    return {
        "name": one.name,
        "purpose": one.purpose,
        "coefficients": coefficients(one.position, groups),
        "recipe": one.model,
        "rollout": one.rollout,
        **(measured(result) if isinstance(result, Measurement) else {"unscored": result.reason}),
    }
