"""What people are shown of a run."""

from dataclasses import replace

import pytest
from engine_simulation import list_training

from swarm_core.api.run_status import RunStatus
from swarm_core.engine import receipt_fields
from swarm_core.engine.phases import Phase
from swarm_core.engine.planning import Outline
from swarm_core.engine.run_summary import RunSummary, summarize_run
from swarm_core.engine.state import Attempt, EngineState, HistoryPoint, Outcome, RunFailure, SearchProgress
from swarm_core.engine.work import FailureReason, Receipt
from swarm_core.objectives.scores import AnswerFate
from swarm_core.programs import search_summary
from swarm_core.programs.search_summary import ItemCounts, MeasuredGain
from swarm_core.programs.swarm_run import status_projection
from swarm_core.programs.swarm_run.status import ValueRow
from swarm_core.recipe import digest_bytes

OUTLINE = Outline(iterations=20, training=list_training(generators=4))
HELD = Outline(iterations=20, training=list_training(generators=4), suspended=True)
DIGEST = digest_bytes(b"")
FOUND = SearchProgress(0.5, "p03", "r", 0.25, "Patience", (("p00", None),), 40, 3, 1, (HistoryPoint(0, 0.25, 0.125),))
SEARCH = {"generators": FOUND}
VALID = replace(FOUND, best_recipe=DIGEST)
FAILURE = RunFailure(Phase.PREPARING, "prepare", FailureReason.BAD_INPUT, "line 3 is no JSON")


def truths(report: RunSummary) -> dict[str, str]:
    return {str(condition.type): str(condition.status) for condition in report.conditions}


CASES = [
    pytest.param(EngineState(), OUTLINE, ("False", "True", "False", "Unknown", "False"), "Pending", id="new"),
    pytest.param(
        EngineState(Phase.ITERATING), OUTLINE, ("False", "True", "False", "Unknown", "False"), "Iterating", id="at work"
    ),
    pytest.param(
        EngineState(Phase.ITERATING), HELD, ("False", "False", "False", "Unknown", "True"), "Suspended", id="suspended"
    ),
    pytest.param(
        EngineState(Phase.SUCCEEDED), OUTLINE, ("True", "False", "False", "True", "False"), "Succeeded", id="succeeded"
    ),
    pytest.param(
        EngineState(Phase.SUCCEEDED), HELD, ("True", "False", "False", "True", "False"), "Succeeded", id="held too late"
    ),
    pytest.param(
        EngineState(Phase.FAILED, failure=FAILURE),
        OUTLINE,
        ("False", "False", "True", "False", "False"),
        "BadInput",
        id="failed",
    ),
]


@pytest.mark.parametrize(("state", "outline", "expected", "reason"), CASES)
def test_conditions_say_what_tools_wait_for(
    state: EngineState, outline: Outline, expected: tuple[str, ...], reason: str
) -> None:
    report = summarize_run(outline, state)
    kinds = ("Ready", "Reconciling", "Stalled", "Succeeded", "Suspended")
    assert truths(report) == dict(zip(kinds, expected, strict=True))
    assert {condition.reason for condition in report.conditions} == {reason}


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (EngineState(), "no work has started"),
        (EngineState(Phase.PREPARING), "checking and pinning the inputs"),
        (EngineState(Phase.SEEDING, done=("train.generators.002",)), "1 of 4 generators trained"),
        (EngineState(Phase.ITERATING), "measuring the start"),
        (EngineState(Phase.ITERATING, iteration=3), "iteration 3 of 20"),
        (
            EngineState(Phase.CONCLUDING, iteration=9, searches=SEARCH),
            "search ended (Patience); measuring again on fresh data",
        ),
        (EngineState(Phase.SUCCEEDED, iteration=9), "concluded after 9 iterations"),
        (EngineState(Phase.FAILED, failure=FAILURE), "Preparing: line 3 is no JSON"),
        (
            EngineState(
                Phase.ITERATING, iteration=3, attempts={"iterate.generators.0003": Attempt(2, message="no disk")}
            ),
            "iteration 3 of 20; iterate.generators.0003: attempt 2 of 3, after: no disk",
        ),
        (
            EngineState(Phase.ITERATING, iteration=3, attempts={"iterate.generators.0003": Attempt(1, losses=7)}),
            "iteration 3 of 20; iterate.generators.0003 lost its process 7 times in a row",
        ),
        (
            EngineState(Phase.ITERATING, iteration=3, attempts={"iterate.generators.0003": Attempt(4)}, floor=4),
            "iteration 3 of 20",
        ),
    ],
)
def test_the_message_says_where_the_run_stands(state: EngineState, message: str) -> None:
    assert summarize_run(OUTLINE, state).message == message


def test_a_suspended_run_says_so() -> None:
    assert summarize_run(HELD, EngineState(Phase.ITERATING, iteration=3)).message == (
        "iteration 3 of 20; suspended: set spec.suspend to false to go on"
    )


def test_before_the_conclusion_the_searchs_estimates_are_shown_and_no_gain() -> None:
    state = EngineState(Phase.ITERATING, iteration=1, searches=SEARCH)
    report, found = summarize_run(OUTLINE, state), search_summary.summarize_search(state)
    assert (found.best, found.initial, found.gain) == (0.5, 0.25, None)
    assert (report.iteration, report.iterations, found.best_particle) == (1, 20, "p03")
    assert found.counts == ItemCounts(items=40, rejected=3, unscored=1)
    assert (found.history, found.particles) == (FOUND.history, (("p00", None),))
    assert (report.stop, report.result) == ("Patience", None)


def test_a_status_has_a_field_for_every_fate_that_is_stored() -> None:
    stored = [(str(fate), 1) for fate in AnswerFate if fate is not AnswerFate.UNAVAILABLE]
    answers = search_summary.build_answers(stored, stored[:1])
    assert answers is not None
    fields = answers.model_dump(by_alias=True)
    assert list(fields.values()) == [2] + [1] * (len(stored) - 1)
    assert search_summary.build_answers((), ()) is None


def test_after_the_conclusion_fresh_data_replaces_the_searchs_estimates() -> None:
    outcome = Outcome(DIGEST, best=0.75, initial=0.5, gain=0.25, gain_low=0.125, gain_high=0.375, best_particle="p01")
    state = EngineState(Phase.SUCCEEDED, searches=SEARCH, outcome=outcome)
    found = search_summary.summarize_search(state)
    assert (found.best, found.initial) == (0.75, 0.5)
    assert found.best_particle == "p01", "the finalist that was chosen, where the search believed in p03"
    assert found.gain == MeasuredGain(0.25, 0.125, 0.375)
    assert summarize_run(OUTLINE, state).result == DIGEST


def test_a_conclusion_without_a_gain_shows_none() -> None:
    assert search_summary.summarize_search(EngineState(Phase.SUCCEEDED, outcome=Outcome(DIGEST))).gain is None


def test_the_values_that_a_weighted_sum_adds_go_from_the_receipt_to_the_status() -> None:
    values = (("Difficulty", 0.512345), ("mine-2", -1.5e-7))
    receipt = Receipt("iterate/0000", {}, {"values": receipt_fields.format_values(values)})
    assert receipt_fields.parse_values(receipt) == values
    search = {"generators": replace(VALID, values=values)}
    state = EngineState(Phase.ITERATING, iteration=1, searches=search)
    status = status_projection.build_swarm_run_status(OUTLINE, state, RunStatus())
    assert status.values == (ValueRow(name="Difficulty", value=0.512345), ValueRow(name="mine-2", value=-1.5e-7))
    concluded = replace(state, outcome=Outcome(DIGEST, best=0.7, values=(("Difficulty", 0.7),)))
    status = status_projection.build_swarm_run_status(OUTLINE, concluded, RunStatus())
    assert status.values == (ValueRow(name="Difficulty", value=0.7),)


def test_the_status_of_one_objective_has_no_values() -> None:
    status = status_projection.build_swarm_run_status(OUTLINE, EngineState(searches={"generators": VALID}), RunStatus())
    assert "values" not in status.model_dump(by_alias=True, exclude_none=True)
    assert receipt_fields.parse_values(Receipt("iterate/0000")) == ()


@pytest.mark.parametrize("text", ["Difficulty", "Difficulty=", "a=1=2", "a=nan", "a=inf", "a=x"])
def test_values_that_are_no_numbers_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write `name=value` joined by commas"):
        receipt_fields.parse_values(Receipt("iterate/0000", {}, {"values": text}))
