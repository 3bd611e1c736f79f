"""The parts of a run, made from its spec, and what is refused before anything else is done."""

import pytest
import swarmrun_documents as documents

from swarm_core.api import loading, resolution
from swarm_core.api.resolution import ResolvedSpec
from swarm_core.errors import BadInputError
from swarm_core.gates.registry import build_gates
from swarm_core.items import Item
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.judges.rubric import RubricJudge
from swarm_core.objectives.objective import Needs
from swarm_core.objectives.separation import Separation
from swarm_trainer.evaluation import run_parts


def resolved(patch: documents.Patch) -> ResolvedSpec:
    return resolution.resolve_run(loading.parse_object(documents.patched(patch), "run.yaml"))


def test_built_in_parts_are_made_by_their_names() -> None:
    spec = resolved({"spec.objective.type": "Separation"})
    assert isinstance(run_parts.build_objective(spec), Separation)
    assert isinstance(run_parts.build_judge(spec), ArithmeticJudge)
    assert run_parts.list_own_gates(spec) == ()


def test_a_model_with_a_rubric_is_made_from_its_block_and_vets_items_unless_told_not_to() -> None:
    spec = resolved({"spec.judge": {**documents.MARKS, "model": {**documents.MARKS["model"], "maxTokens": 99}}})
    judge = run_parts.build_judge(spec)
    assert isinstance(judge, RubricJudge)
    assert (judge.low, judge.high, judge.max_tokens) == (1, 5, 99)
    assert judge.model == run_parts.find_judge_model(spec)
    assert [one.name for one in run_parts.list_own_gates(spec)] == ["Answerable"]
    assert build_gates(run_parts.list_own_gates(spec))[0].requests(Item("1+1"))[0].model == judge.model
    plain = resolved({"spec.judge": documents.MARKS, "spec.judge.model.vet": False})
    assert run_parts.list_own_gates(plain) == ()


def test_an_objective_that_compares_more_takers_than_there_are_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"spec\.takers: 2 listed, .* compares 3 or more"):
        run_parts.check_needs(resolved({}), Needs(takers=3))


@pytest.mark.parametrize(
    ("needs", "named"),
    [
        (Needs(repeats=2), "repeats"),
        (Needs(reference=True), "reference"),
        (Needs(corpus=True, embeddings=True), "corpus, embeddings"),
    ],
    ids=str,
)
def test_an_objective_that_needs_what_nothing_collects_is_refused(needs: Needs, named: str) -> None:
    with pytest.raises(BadInputError, match=rf"spec\.objective: Difficulty needs {named}, which"):
        run_parts.check_needs(resolved({}), needs)
