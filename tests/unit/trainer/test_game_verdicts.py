"""A game gives a verdict only on items that no taker was selected by."""

from itertools import product
from typing import Any, cast

import pytest

from swarm_core.objectives.verdict import Verdict
from swarm_trainer.report import game_report
from swarm_trainer.report.game_result import GAME_ITEMS, TAKERS_FINDING, Comparison, GameResult
from swarm_trainer.report.search_result import Interval, SearchResult

INTERVALS = {
    Verdict.GAIN: Interval(0.06, 0.03, 0.09),
    Verdict.LOSS: Interval(-0.06, -0.09, -0.03),
    Verdict.NOT_RESOLVED: Interval(0.01, -0.02, 0.04),
}


def build_comparison(source: str, verdict: Verdict) -> Comparison:
    gain = INTERVALS[verdict]
    return Comparison(source, 48, "t00", 0.5, 0.5 + gain.value, gain)


def build_game(outside: Verdict, inside: Verdict) -> GameResult:
    comparisons = (build_comparison("real", outside), build_comparison(GAME_ITEMS, inside))
    return GameResult(cast("SearchResult", None), comparisons, (), (), ((), ()), ())


@pytest.mark.parametrize(("outside", "inside"), list(product(Verdict, Verdict)), ids=str)
def test_the_finding_says_nothing_about_items_that_takers_were_selected_by(outside: Verdict, inside: Verdict) -> None:
    assert build_game(outside, inside).finding == TAKERS_FINDING[outside]


@pytest.mark.parametrize("verdict", list(Verdict), ids=str)
def test_a_comparison_on_such_items_has_a_value_and_an_interval_but_no_verdict(verdict: Verdict) -> None:
    outside, inside = (
        cast("Any", game_report.comparison_to_json(build_comparison(source, verdict)))
        for source in ("rivals", GAME_ITEMS)
    )
    assert (outside["selected"], outside["gain"]["verdict"]) == (False, str(verdict))
    assert (inside["selected"], inside["gain"]["verdict"]) == (True, None)
    assert {**inside["gain"], "verdict": str(verdict)} == outside["gain"]
