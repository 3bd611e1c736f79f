"""`history.jsonl`: one line per iteration. Each candidate has its coefficients, measurements and answers by fate.

Coefficients are a list over the initial adapters, or one such list for each layer.
"""

import json
from collections.abc import Iterable, Iterator

from swarm_core import commit as commits
from swarm_core.commit import Commit, MeasuredCandidate
from swarm_core.objectives.objective import Measurement
from swarm_core.optimizers import optimization
from swarm_core.optimizers.multi_objective import FrontState, MultiObjective
from swarm_core.optimizers.optimizer import SearchState
from swarm_core.ports import ArtifactStore
from swarm_core.rollout import Rollout, Unmeasured
from swarm_core.swarm_names import GENERATORS
from swarm_trainer.report.result import measurement_to_json, nest_coefficients
from swarm_trainer.report.usage_report import Json


def format_history(chain: Iterable[Commit], store: ArtifactStore) -> str:
    """Return one JSON object per line, from the first iteration to the last. Raises StoreError."""
    return "".join(json.dumps(line, allow_nan=False) + "\n" for line in build_iterations(chain, store))


def build_iterations(chain: Iterable[Commit], store: ArtifactStore) -> Iterator[dict[str, Json]]:
    """Yield one record for each commit. `swarm` is present if the run has more than one swarm."""
    for commit in chain:
        answers = {one.name: count_answers(commit, one, store) for one in commit.candidates}
        swarm = optimization.from_json(commit.swarm)
        best = optimization.best(swarm)
        yield {
            "iteration": commit.iteration,
            **({"swarm": commit.swarm_name} if commit.swarm_name != GENERATORS or commit.opponents else {}),
            "commit": commit.digest,
            "best": None if best is None else {"name": best.name, "value": best.value},
            **build_front(swarm),
            "candidates": [
                {**build_candidate(candidate, len(commit.basis)), "answers": answers[candidate.name]}
                for candidate in commit.candidates
            ],
        }


def build_front(swarm: SearchState) -> dict[str, Json]:
    """Return the archive of a search for a front as `front`, with its hypervolume; nothing for one objective."""
    rule = swarm.plan.optimizer
    if not isinstance(rule, MultiObjective) or not isinstance(swarm, FrontState):
        return {}
    members = rule.select_archive(swarm)
    listed: list[Json] = [
        {"name": one.name, "measured": one.count, "scaled": list(one.values), "errors": list(one.errors)}
        for one in members
    ]
    return {"front": {"hypervolume": optimization.attained(swarm), "members": listed}}


def count_answers(commit: Commit, candidate: MeasuredCandidate, store: ArtifactStore) -> dict[str, Json] | None:
    """Return the number of answers to a candidate by taker and fate; None if its rollout was pruned."""
    data = store.read(commits.candidate_key(commit.iteration, candidate.name))
    if data is None:
        return None
    return {taker: dict(sorted(fates.items())) for taker, fates in Rollout.from_bytes(data).fates().items()}


def build_candidate(candidate: MeasuredCandidate, basis: int) -> dict[str, Json]:
    """Return the record of a candidate. `basis`: the number of initial adapters."""
    groups = len(candidate.position) // basis
    return {
        "name": candidate.name,
        "purpose": candidate.purpose,
        "coefficients": nest_coefficients(candidate.position, groups),
        "recipe": candidate.model,
        "rollout": candidate.rollout,
        "fitness": candidate.fitness,
        "values": {name: build_value(outcome) for name, outcome in candidate.values},
    }


def build_value(outcome: Measurement | Unmeasured) -> dict[str, Json]:
    """Return one measured value, or the reason why it is missing."""
    return measurement_to_json(outcome) if isinstance(outcome, Measurement) else {"unscored": outcome.reason}
