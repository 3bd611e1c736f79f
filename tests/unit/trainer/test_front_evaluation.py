"""The final evaluation of a front: its knee and its ends, whom they are compared with, and what the report says."""

import json
from collections.abc import Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted_court import BOTH, CORNERS, DIFFICULTY, court

from swarm_core.composition import Spread
from swarm_core.experiment import Experiment
from swarm_core.optimizers import optimization
from swarm_core.optimizers.estimates import Estimate
from swarm_core.optimizers.positions import Position
from swarm_core.pareto_composition import ParetoComposition, ParetoTerm
from swarm_core.rollout import Rollout
from swarm_trainer.evaluation.final_evaluation import FinalCandidate, FinalEvaluation
from swarm_trainer.evaluation.front_evaluation import FrontEvaluation
from swarm_trainer.report import dataset, result, summary
from swarm_trainer.report.front_report import FrontReport
from swarm_trainer.report.search_result import FloorVerdict, FrontResult, Interval, SearchResult

TRADE = ParetoComposition((ParetoTerm("Difficulty", (0.0, 1.0)), ParetoTerm("Accuracy", (0.0, 1.0), at_least=0.05)))
"""Difficulty against accuracy, which is 1 - difficulty here, so every generator is on the front."""
START = {"Difficulty": Spread(0.5, 0.2, 5, 1.0), "Accuracy": Spread(0.5, 0.2, 5, 1.05)}
HARDEST: Position = (2.0, -1.0)


def judge(
    folder: Path, silent: Set[tuple[str, Position]] = frozenset(), positions: tuple[Position, ...] = tuple(DIFFICULTY)
) -> SearchResult:
    last = court(folder, silent)
    measuring = replace(last.setup.evaluator, objectives=tuple(BOTH.items()), composition=TRADE)
    last.setup = replace(last.setup, evaluator=measuring)
    last.start = START
    finalists = [Estimate(f"p{n:02d}", position, 0.5, 1, 1) for n, position in enumerate(positions)]
    swarm = optimization.start(last.setup.plan)
    return FrontEvaluation(last, TRADE, last.rank_finalists(finalists, swarm)).evaluate(swarm, ())


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    """The result of a search whose finalists are all positions. It takes a second, so it is made once."""
    return judge(tmp_path_factory.mktemp("front"))


def get_front(found: SearchResult) -> FrontResult:
    assert found.front is not None
    return found.front


def test_the_ends_are_the_best_in_each_value_and_are_compared_with_the_initial_generator_that_was_best_in_it(
    found: SearchResult,
) -> None:
    front = get_front(found)
    ends = {name: point for point in front.points for name in point.ends}
    assert ends["Difficulty"].generator.position == HARDEST
    hard, accurate = ends["Difficulty"].terms
    assert (hard.name, hard.baseline, hard.found.value, hard.initial.value) == ("Difficulty", "g01", 0.9, 0.4)
    assert hard.gain.value == pytest.approx(0.5)
    assert hard.gain.low <= hard.gain.value <= hard.gain.high
    assert (accurate.baseline, accurate.floor_verdict) == ("g00", FloorVerdict.NOT_RESOLVED)
    assert accurate.found.value == pytest.approx(0.1)


def test_an_end_that_is_the_initial_generator_itself_has_no_gain(found: SearchResult) -> None:
    front = get_front(found)
    (end,) = [point for point in front.points if "Accuracy" in point.ends]
    assert end.generator.position == CORNERS[0]
    assert end.terms[1].gain == Interval(0.0, 0.0, 0.0)


def test_the_hypervolume_is_that_of_the_reported_generators_by_hand(found: SearchResult) -> None:
    front = get_front(found)
    # Scaled: the difficulty, and the accuracy less the floor. The strips of the stairs, from the hardest.
    values = sorted({(d, 0.95 - d) for d in (one.generator.measurements["Difficulty"].value for one in front.points)})
    expected, covered = 0.0, 0.0
    for hard, accurate in reversed(values):
        expected, covered = expected + hard * (accurate - covered), accurate
    assert front.hypervolume == pytest.approx(expected)
    assert front.initial == pytest.approx(0.4 * 0.55 + 0.2 * (0.75 - 0.55))
    assert front.gain.value == pytest.approx(front.hypervolume - front.initial)
    assert front.gain.low < front.gain.value < front.gain.high
    assert found.gain == front.gain
    assert front.units == (("Difficulty", 0.0, 1.0), ("Accuracy", 0.05, 1.0))


def test_a_front_of_initial_generators_has_no_gain_at_all(tmp_path: Path) -> None:
    alone = judge(tmp_path, positions=CORNERS)
    assert get_front(alone).gain == Interval(0.0, 0.0, 0.0)
    assert "No gain" in summary.render(alone, "run")


def test_an_end_that_cannot_be_measured_is_passed_over_and_named(tmp_path: Path) -> None:
    found = judge(tmp_path, {("final", HARDEST)})
    (end,) = [point for point in get_front(found).points if "Difficulty" in point.ends]
    assert end.generator.position == (-1.0, 2.0)
    assert len(found.passed_over) == 1


def test_an_end_without_an_accepted_item_has_no_data_set_so_the_next_best_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate = FinalEvaluation.evaluate_candidate

    def reject_all(last: FinalEvaluation, candidate: FinalCandidate, rollouts: tuple[Rollout, ...]) -> Any:
        if candidate.position == HARDEST:
            rollouts = tuple(replace(one, items=()) for one in rollouts)
        return evaluate(last, candidate, rollouts)

    monkeypatch.setattr(FinalEvaluation, "evaluate_candidate", reject_all)
    found = judge(tmp_path)
    assert all(rollout.items for point in get_front(found).points for rollout in point.generator.rollouts)
    (end,) = [point for point in get_front(found).points if "Difficulty" in point.ends]
    assert end.generator.position == (-1.0, 2.0)
    assert found.passed_over == (), "it was measured: its value is that of no item"


def test_the_reports_name_the_roles_the_values_and_the_folders(found: SearchResult, tmp_path: Path) -> None:
    front = get_front(found)
    reported = replace(found, supplements=(FrontReport(front),))
    text = summary.render(reported, "run")
    assert "gain in hypervolume" in text
    assert "highest Difficulty" in text
    words = " ".join(text.split())
    assert f"{front.points[0].generator.name}, in adapter and dataset" in words
    assert f"{front.points[1].generator.name}, in front/1/adapter and front/1/dataset" in words
    assert max(map(len, text.splitlines())) < 80
    experiment = Experiment("b" * 64, "b" * 64, (), "b" * 64)
    written = json.loads(result.serialize(reported, result.Provenance(experiment, 1, "c" * 64)))["front"]
    assert [point["folder"] for point in written["points"]] == [
        ".",
        *(f"front/{n}" for n in range(1, len(front.points))),
    ]
    assert written["points"][0]["knee"]
    card = dataset.format_card(
        replace(found, best=front.points[1].generator),
        court(tmp_path, frozenset()).setup.examination.judge,
        "run",
        "sums",
    )
    assert "of the front" in card
    assert "| Difficulty |" in card
