"""The last measurements: who cannot be measured is passed over and named; only where nobody can is there no verdict."""

import json
from collections.abc import Sequence, Set
from dataclasses import replace
from pathlib import Path

import pytest
from scripted_court import BASE, BEYOND, CORNERS, DIFFICULTY, FLOORED, ITEMS, court, made
from scripted_engine import Scripted

from swarm_core.errors import BadInputError
from swarm_core.gates.admission import Rejection
from swarm_core.items import Item
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.objectives.objective import Measurement
from swarm_core.optimizers import optimization
from swarm_core.optimizers.estimates import Estimate
from swarm_core.optimizers.positions import Position
from swarm_core.ports import StoreError
from swarm_core.recipe import ModelName
from swarm_core.rollout import Rollout
from swarm_core.weighted_sum import WeightedSum
from swarm_trainer.evaluation.final_evaluation import (
    FinalCandidate,
    Ranking,
    check_accepted,
    select_baseline,
)
from swarm_trainer.report import dataset, result, summary
from swarm_trainer.report.search_result import EvaluatedGenerator, FloorVerdict, Interval, SearchResult, TermResult


def judged(
    folder: Path,
    silent: Set[tuple[str, Position]],
    positions: Sequence[Position] = tuple(DIFFICULTY),
    composition: WeightedSum | None = None,
) -> SearchResult:
    """The verdict of a search whose finalists are at `positions`."""
    last = court(folder, silent, composition)
    finalists = [Estimate(f"p{n:02d}", position, 0.5, 1, 1) for n, position in enumerate(positions)]
    swarm = optimization.start(last.setup.plan)
    return last.evaluate(last.rank_finalists(finalists, swarm), swarm, ())


def test_the_best_of_the_choice_is_the_verdict(tmp_path: Path) -> None:
    found = judged(tmp_path, frozenset())
    assert (found.best.position, found.best.fresh.value, found.passed_over) == ((2.0, -1.0), 0.9, ())
    assert found.initial.position == (0.0, 1.0)
    assert found.gain.value == pytest.approx(0.5)


def test_who_is_silent_in_the_choice_is_not_ranked(tmp_path: Path) -> None:
    found = judged(tmp_path, {("choice", (2.0, -1.0))})
    assert (found.best.position, found.passed_over) == ((-1.0, 2.0), ())


def test_who_cannot_be_measured_on_final_items_is_passed_over_and_named(tmp_path: Path) -> None:
    found = judged(tmp_path, {("final", (2.0, -1.0)), ("final", (-1.0, 2.0))})
    assert (found.best.position, found.best.fresh.value, found.passed_over) == ((0.5, 0.5), 0.6, ("p03", "p04"))
    assert found.gain.value == pytest.approx(0.2)
    assert "ranked higher, but too many fresh answers have no score: p03, p04" in summary.render(found, "toy")


def test_however_many_are_passed_over_the_summary_keeps_within_its_columns(tmp_path: Path) -> None:
    many = tuple(f"p{index:02d}-0010" for index in range(8))
    lines = list(summary.format_passed_over(replace(judged(tmp_path, frozenset()), passed_over=many)))
    assert all(len(line) < 80 for line in lines)
    assert all(name in " ".join(lines) for name in many)


def test_an_initial_generator_may_be_what_is_left_and_gains_nothing_on_itself(tmp_path: Path) -> None:
    found = judged(tmp_path, {("final", position) for position in BEYOND})
    assert (found.best, found.gain.value, len(found.passed_over)) == (found.initial, 0.0, 3)


def test_an_initial_generator_that_cannot_be_measured_is_no_baseline(tmp_path: Path) -> None:
    found = judged(tmp_path, {("final", (0.0, 1.0))})
    assert [one.position for one in found.initials] == [(1.0, 0.0)]
    assert found.gain.value == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("who", "place", "silent"),
    [
        ("finalist", "choice", BEYOND),
        ("finalist", "final", BEYOND),
        ("initial generator", "final", CORNERS),
    ],
    ids=["nobody in the choice", "nobody on final items", "no initial one"],
)
def test_where_nobody_can_be_measured_the_error_says_why_and_what_to_do(
    tmp_path: Path, who: str, place: str, silent: tuple[Position, ...]
) -> None:
    told = rf"no {who} could be measured at {place}/ \(.*0 of 10 answers are scored.*spec\.evaluation\.coverage"
    with pytest.raises(StoreError, match=told):
        judged(tmp_path, {(place, position) for position in silent}, BEYOND if who == "finalist" else tuple(DIFFICULTY))


def test_the_error_of_many_tells_three(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"p00: .*; p01: .*; p02: .*; and 2 more\)"):
        judged(tmp_path, {("choice", position) for position in DIFFICULTY})


def test_a_result_names_who_was_passed_over_and_else_is_the_text_it_was(tmp_path: Path) -> None:
    origin = result.Provenance(made().experiment, 1, BASE)
    plain = json.loads(result.serialize(judged(tmp_path / "plain", frozenset()), origin))
    passed_over = json.loads(result.serialize(judged(tmp_path / "passed", {("final", (2.0, -1.0))}), origin))
    assert "passedOver" not in plain
    assert passed_over["passedOver"] == ["p03"]


def test_an_entrant_is_measured_on_final_items_once(tmp_path: Path) -> None:
    last = court(tmp_path, frozenset())
    ranking = Ranking((FinalCandidate("p00", CORNERS[0], 0.5),), CORNERS)
    last.evaluate(ranking, optimization.start(last.setup.plan), ())
    engine = last.context.engines[last.setup.manifest][0]
    assert isinstance(engine, Scripted)
    generators = [request for request in engine.asked if request.model == last.setup.space.recipe(CORNERS[0]).name]
    assert len(generators) == ITEMS


def test_the_baseline_is_the_initial_generator_that_did_best_in_the_choice() -> None:
    """Selected on the final items, it would be lucky there, and the gain of equal generators negative on average."""
    lucky, chosen = (
        EvaluatedGenerator(name, position, ModelName("0" * 64), None, Measurement(value, 0.0, 1.0, 9), ())
        for name, position, value in (("g00", (1.0, 0.0), 0.9), ("g01", (0.0, 1.0), 0.4))
    )
    assert select_baseline([lucky, chosen], [(0.5, 0.5), (0.0, 1.0), (1.0, 0.0)]) is chosen
    assert select_baseline([lucky, chosen], []) is lucky


def test_a_best_generator_without_an_accepted_item_is_a_failure_with_the_reasons_counted() -> None:
    refused = (Rejection(Item("Sure!"), "parse", "no list item"), Rejection(Item("1+1"), "held-out", "a copy"))
    rollout = Rollout(ModelName("0" * 64), ("t",), 10, 0, (), refused, 0)
    empty = EvaluatedGenerator("p00", (1.0, 0.0), rollout.model, None, Measurement(0.0, 0.0, 0.2, 0), (rollout,))
    with pytest.raises(BadInputError, match=r"none of 10 items .* \(1 held-out, 8 missing, 1 parse; such as 'Sure!'"):
        check_accepted(empty)


@pytest.mark.parametrize(
    ("gain", "words", "verdict"),
    [
        (Interval(0.2, 0.1, 0.3), "A gain: ", "Gain"),
        (Interval(-0.2, -0.3, -0.1), "A loss: ", "Loss"),
        (Interval(-0.1, -0.3, 0.1), "Not resolved: ", "NotResolved"),
        (Interval(0.1, 0.0, 0.3), "Not resolved: ", "NotResolved"),
    ],
)
def test_gain_loss_and_not_resolved_are_three_sentences(
    tmp_path: Path, gain: Interval, words: str, verdict: str
) -> None:
    found = replace(judged(tmp_path, frozenset()), gain=gain)
    assert words in summary.render(found, "toy")
    assert result.gain_to_json(gain)["verdict"] == verdict


def test_a_weighted_sum_is_reported_with_the_values_that_it_adds(tmp_path: Path) -> None:
    found = judged(tmp_path, frozenset(), composition=FLOORED)
    assert found.best.position == (-1.0, 2.0), "the hardest one misses the floor of accuracy"
    assert found.initial.position == (0.0, 1.0)
    assert found.best.fresh.value == pytest.approx(0.8 + 0.5 * 0.2)
    assert found.gain.value == pytest.approx((0.8 + 0.5 * 0.2) - (0.4 + 0.5 * 0.6))
    hard, right = found.terms
    assert (hard.best.value, hard.initial.value, hard.gain.value) == pytest.approx((0.8, 0.4, 0.4))
    assert (right.best.value, right.initial.value, right.gain.value) == pytest.approx((0.2, 0.6, -0.4))
    assert hard.gain.low < hard.gain.value < hard.gain.high
    assert (hard.floor_verdict, right.floor_verdict) == (None, FloorVerdict.NOT_RESOLVED)
    assert found.gain.low < -1 < 1 < found.gain.high, "ten items do not say whether the floor is met"
    assert found.label == "difficulty: 1 difficulty + 0.5 accuracy"


def test_the_floor_and_the_terms_are_in_the_summary_the_card_and_the_result(tmp_path: Path) -> None:
    found = judged(tmp_path, frozenset(), composition=FLOORED)
    text = summary.render(found, "toy")
    rows = {line.split()[0]: line.split()[1:5] for line in text.splitlines() if line.startswith(("Diff", "Accu"))}
    assert rows == {"Difficulty": ["1", "0.800", "0.400", "+0.400"], "Accuracy": ["0.5", "0.200", "0.600", "-0.400"]}
    assert "floor of Accuracy 0.15: not resolved; fresh items give 0.200" in text
    assert max(map(len, text.splitlines())) < 80
    fields = json.loads(result.serialize(found, result.Provenance(made().experiment, 0, BASE)))
    assert [(one["name"], one["weight"], one.get("atLeast"), one.get("floor")) for one in fields["terms"]] == [
        ("Difficulty", 1.0, None, None),
        ("Accuracy", 0.5, 0.15, "NotResolved"),
    ]
    assert {one["name"]: one["values"]["Accuracy"]["value"] for one in fields["initials"]} == pytest.approx(
        {"g00": 0.8, "g01": 0.6}
    )
    assert "start" not in fields
    assert "| Accuracy | 0.5 | 0.200 | 0.600 | -0.400 |" in dataset.format_card(found, ArithmeticJudge(), "toy", "sums")


def test_one_objective_is_reported_without_terms(tmp_path: Path) -> None:
    found = judged(tmp_path, frozenset())
    fields = json.loads(result.serialize(found, result.Provenance(made().experiment, 0, BASE)))
    assert not {"terms", "start"} & fields.keys()
    assert "values" not in fields["best"]
    assert "weight" not in summary.render(found, "toy")


def test_a_normalized_sum_without_a_measured_start_cannot_be_measured(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no finalist could be measured"):
        judged(tmp_path, frozenset(), composition=replace(FLOORED, normalized=True))


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.15, 0.3, FloorVerdict.MET), (0.1, 0.14, FloorVerdict.MISSED), (0.1, 0.15, FloorVerdict.NOT_RESOLVED)],
)
def test_a_floor_holds_if_the_whole_interval_does(low: float, high: float, verdict: FloorVerdict) -> None:
    measured = Measurement((low + high) / 2, low, high, 9)
    assert TermResult("Accuracy", 0.5, 0.15, measured, measured, Interval(0.0, 0.0, 0.0)).floor_verdict is verdict
