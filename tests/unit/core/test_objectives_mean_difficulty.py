"""MeanDifficulty against values worked out by hand."""

import pytest

from swarm_core import plugins
from swarm_core.errors import BadInputError
from swarm_core.items import build_items
from swarm_core.objectives import intervals
from swarm_core.objectives.mean_difficulty import MeanDifficulty
from swarm_core.objectives.objective import Sample
from swarm_core.objectives.scores import CoverageError, Score, Unscored, UnscoredReason

LOST = Unscored(UnscoredReason.NO_ANSWER)


def batch(*rows: list[Score], asked: int | None = None) -> Sample:
    """One repeat: a row of scores per taker."""
    takers = tuple(f"t{index}" for index in range(len(rows)))
    items = build_items(f"item {index}" for index in range(len(rows[0])))
    return Sample((items,), takers, (tuple(map(tuple, rows)),), len(items) if asked is None else asked)


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (batch([1, 1, 0, 0], [1, 0, 0, 0]), 1 - (0.5 + 0.25) / 2),
        (batch([0, 0], [0, 0]), 1.0),
        (batch([1, 1], [1, 1]), 0.0),
        (batch([1, 0], asked=4), 0.25),
        (batch([1, LOST], [0, 0]), 0.5),
    ],
    ids=["two takers", "nobody knows", "everybody knows", "half rejected", "some unscored"],
)
def test_values_worked_out_by_hand(given: Sample, value: float) -> None:
    assert MeanDifficulty().value(given) == pytest.approx(value)
    found = intervals.measure(given, MeanDifficulty(), 0.5, 1)
    assert 0.0 <= found.low <= value <= found.high <= 1.0


def test_a_taker_without_any_score_has_no_mean() -> None:
    with pytest.raises(CoverageError):
        MeanDifficulty().value(batch([LOST, LOST], [1, 1]))


def test_it_is_found_by_name_and_takes_no_config() -> None:
    assert isinstance(plugins.build("objectives", "MeanDifficulty", {}), MeanDifficulty)
    with pytest.raises(BadInputError, match="objective MeanDifficulty: config field 'depth' is unknown"):
        plugins.build("objectives", "MeanDifficulty", {"depth": 3})
