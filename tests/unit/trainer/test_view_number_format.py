"""Numbers as people read them."""

import pytest

from swarm_trainer.view import number_format


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0s"), (0.9, "0s"), (59.99, "59s"), (80, "1m20s"), (3599, "59m59s"), (3600, "1h00m"), (90000, "25h00m")],
)
def test_a_duration_has_two_units_at_most(seconds: float, text: str) -> None:
    assert number_format.format_duration(seconds) == text


@pytest.mark.parametrize(("rate", "text"), [(0.4, "0 tok/s"), (870, "870 tok/s"), (3149, "3.1k tok/s")])
def test_a_rate_has_two_digits_that_matter(rate: float, text: str) -> None:
    assert number_format.format_rate(rate) == text


@pytest.mark.parametrize(
    ("best", "initial", "text"),
    [(None, None, "-"), (None, 0.4, "-"), (0.512, None, "0.512"), (0.512, 0.42, "0.512 (+0.092)")],
)
def test_a_missing_value_is_a_dash_and_never_a_number(best: float | None, initial: float | None, text: str) -> None:
    assert number_format.format_best(best, initial) == text
