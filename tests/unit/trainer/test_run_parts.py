"""The parts of a run, made from its spec, and what is refused before anything else is done."""

import pytest
import swarmrun_documents as documents

from swarm_core.api import loading, resolution
from swarm_core.api.resolution import ResolvedSpec
from swarm_core.errors import BadInputError
from swarm_core.gates.gate_context import GateContext
from swarm_core.gates.registry import build_gates
from swarm_core.items import Item
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.judges.rubric import RubricJudge
from swarm_core.objectives.objective import Needs
from swarm_core.objectives.separation import Separation
from swarm_core.recipe import remote_model_name
from swarm_core.weighted_sum import WeightedSum
from swarm_trainer.data import data_splits
from swarm_trainer.evaluation import run_parts


def resolved(patch: documents.Patch) -> ResolvedSpec:
    return resolution.resolve_run(loading.parse_object(documents.patched(patch), "run.yaml"))


def test_built_in_parts_are_made_by_their_names() -> None:
    spec = resolved({"spec.objective.type": "Separation"})
    assert isinstance(run_parts.build_objectives(spec)["Separation"], Separation)
    assert isinstance(run_parts.build_judge(spec), ArithmeticJudge)
    assert [one.name for one in run_parts.list_gates(spec)] == ["Verifiable", "HeldOut", "Seed", "Duplicate"]


def test_a_model_with_a_rubric_is_made_from_its_block_and_is_asked_whether_items_can_be_answered() -> None:
    spec = resolved({"spec.judge": {**documents.MARKS, "model": {**documents.MARKS["model"], "maxTokens": 99}}})
    judge = run_parts.build_judge(spec)
    assert isinstance(judge, RubricJudge)
    assert (judge.low, judge.high, judge.max_tokens) == (1, 5, 99)
    gates = build_gates(run_parts.list_gates(spec), GateContext(judge))
    assert [gate.name for gate in gates] == ["Verifiable", "HeldOut", "Seed", "Duplicate", "Answerable"]
    assert gates[-1].requests(Item("1+1"))[0].model == judge.model


def test_a_list_of_gates_replaces_the_default_list_in_its_order() -> None:
    own = {"url": "https://other.test", "model": "small"}
    asks = {"type": "Answerable", "answerable": {"endpoint": own, "maxTokens": 9}}
    spec = resolved({"spec.judge": documents.MARKS, "spec.gates": [asks, {"type": "HeldOut"}]})
    gates = build_gates(run_parts.list_gates(spec), GateContext(run_parts.build_judge(spec)))
    assert [gate.name for gate in gates] == ["Answerable", "HeldOut"]
    (request,) = gates[0].requests(Item("1+1"))
    assert (request.model, request.max_tokens) == (remote_model_name("https://other.test/v1", "small"), 9)
    assert [access.owner for access in spec.access] == ["judge", "gates/0"]
    assert run_parts.list_gates(resolved({"spec.gates": []})) == ()


def test_an_objective_that_compares_more_takers_than_there_are_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"spec\.takers: 2 listed, .* compares 3 or more"):
        run_parts.check_needs(resolved({}), Needs(takers=3))


def test_an_objective_that_needs_a_reference_set_gets_one_that_the_spec_names() -> None:
    spec = resolved({"spec.objective": {**documents.PLUGIN, "reference": {"items": 9}}})
    run_parts.check_needs(spec, Needs(reference=True))
    with pytest.raises(BadInputError, match=r"mine needs a reference set; write spec\.objective\.reference"):
        run_parts.check_needs(resolved({"spec.objective": documents.PLUGIN}), Needs(reference=True))


@pytest.mark.parametrize(
    ("needs", "named"),
    [
        (Needs(repeats=17), "repeats"),
        (Needs(embeddings=True), "embeddings"),
    ],
    ids=str,
)
def test_an_objective_that_needs_what_nothing_collects_is_refused(needs: Needs, named: str) -> None:
    with pytest.raises(BadInputError, match=rf"spec\.objective: Difficulty needs {named}, which"):
        run_parts.check_needs(resolved({}), needs)


@pytest.mark.parametrize(
    ("floor", "said"),
    [
        (0, r"terms\[1\]\.atLeast: 0, but Separation has values from 0 to 1; write a floor above 0 and at most 1"),
        (1.5, r"terms\[1\]\.atLeast: 1\.5, but Separation has values from 0 to 1; write a floor above 0 and at most 1"),
    ],
)
def test_a_floor_that_every_value_meets_or_none_is_refused(floor: float, said: str) -> None:
    spec = resolved({"spec.objective": documents.weigh(documents.HARD, {**documents.APART, "atLeast": floor})})
    with pytest.raises(BadInputError, match=rf"spec\.objective\.weighted\.{said}"):
        run_parts.check(spec)


def test_every_term_of_a_preset_is_made_with_its_defaults() -> None:
    spec = resolved({"spec.objective": {"type": "Weighted", "weighted": {"preset": "Paper"}}})
    objectives = run_parts.build_objectives(spec)
    composition = run_parts.build_composition(spec, objectives)
    assert isinstance(composition, WeightedSum)
    assert [(term.name, term.weight, term.at_least) for term in composition.terms] == [
        ("Difficulty", 0.6, None),
        ("Separation", 0.2, None),
        ("Novelty", 0.2, None),
    ]
    assert not composition.needs_start
    assert spec.reference is not None
    assert run_parts.find_needs(spec) == Needs(takers=2, reference=True)
    run_parts.check(spec)


def test_a_term_that_is_not_installed_is_named_by_its_field() -> None:
    plugin = {"objective": documents.PLUGIN, "weight": 1}
    spec = resolved({"spec.objective": documents.weigh(documents.HARD, plugin)})
    with pytest.raises(BadInputError, match=r"spec\.objective\.weighted\.terms\[1\]\.objective: objective 'mine' is"):
        run_parts.check(spec)
    assert run_parts.find_needs(spec) == Needs()


def test_the_split_of_seed_data_knows_near_copies_by_the_strictest_gate_against_copies_of_items() -> None:
    tested = {"testSets": [{"uri": "test.jsonl"}], "similarity": 0.6}
    gates = [
        {"type": "Seed", "seed": {"similarity": 0.9}},
        {"type": "Duplicate", "duplicate": {"similarity": 0.8}},
        {"type": "Contamination", "contamination": tested},
    ]
    assert data_splits.find_similarity(resolved({"spec.gates": gates})) == 0.8
    assert data_splits.find_similarity(resolved({"spec.gates": gates[2:]})) is None
