"""`history.jsonl`: one line per iteration, every probe with its coefficients and what it measured."""

import json
from collections.abc import Iterable, Iterator

from swarm_core.commit import Commit, Probed
from swarm_core.objectives.objective import Measurement
from swarm_core.swarm import pso
from swarm_trainer.report.result import Json, measured


def text(commits: Iterable[Commit]) -> str:
    """One JSON object a line, first iteration first."""
    return "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines(commits))


def lines(commits: Iterable[Commit]) -> Iterator[dict[str, Json]]:
    for commit in commits:
        best = pso.best(pso.from_json(commit.swarm))
        yield {
            "iteration": commit.iteration,
            "commit": commit.digest,
            "best": None if best is None else {"name": best.name, "value": best.value},
            "probes": [probe(one) for one in commit.probes],
        }


def probe(one: Probed) -> dict[str, Json]:
    result = one.result
    return {
        "name": one.name,
        "purpose": one.purpose,
        "coefficients": list(one.position),
        "recipe": one.model,
        "rollout": one.rollout,
        **(measured(result) if isinstance(result, Measurement) else {"unscored": result.reason}),
    }
