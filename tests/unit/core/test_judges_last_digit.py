"""The last digit of an arithmetic answer, judged and read with care."""

import pytest

from swarm_core import plugins
from swarm_core.errors import BadInputError
from swarm_core.items import Item
from swarm_core.judges.last_digit import LastDigit
from swarm_core.objectives.scores import Unscored, UnscoredReason

JUDGE = LastDigit()


@pytest.mark.parametrize(
    ("item", "answer", "outcome"),
    [
        ("12+34", "46", 1.0),
        ("12+34 = ?", "6", 1.0),
        ("12+34", "the sum is -16.", 1.0),
        ("3-16", "3", 1.0),
        ("12+34", "64", 0.0),
        ("12+34", "6.5", 0.0),
        ("12+34", "9" * 100_000, 0.0),
        ("12+34", "six", UnscoredReason.UNREADABLE),
        ("12+34", " \n", UnscoredReason.NO_ANSWER),
        ("1/3", "3", UnscoredReason.JUDGE_FAILED),
    ],
    ids=lambda value: str(value)[:20],
)
@pytest.mark.timeout(5)
def test_an_answer_is_right_if_it_ends_in_the_digit_of_the_value(
    item: str, answer: str, outcome: float | UnscoredReason
) -> None:
    assert JUDGE.requests(Item(item), answer) == ()
    scored = JUDGE.score(Item(item), answer, ())
    assert (scored.reason if isinstance(scored, Unscored) else scored) == outcome


@pytest.mark.parametrize(
    ("item", "why"),
    [
        ("12", "a number without an operation"),
        ("what is 1+1", "'w' is no part of an arithmetic expression"),
        ("10/4", "its value 5/2 is no integer"),
    ],
)
def test_what_has_no_last_digit_is_refused_with_the_reason(item: str, why: str) -> None:
    assert JUDGE.refusal(Item(item)) == why
    assert JUDGE.solution(Item(item)) is None


def test_the_solution_is_one_digit() -> None:
    assert JUDGE.solution(Item("3-16")) == "3"


def test_it_is_found_by_name_and_takes_no_config() -> None:
    assert isinstance(plugins.build("verifiers", "LastDigit", {}), LastDigit)
    with pytest.raises(BadInputError, match="verifier LastDigit: config field 'base' is unknown"):
        plugins.build("verifiers", "LastDigit", {"base": 8})
