"""The number of an answer is compared with the number of the reference."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core import plugins
from swarm_core.items import Item
from swarm_core.judges.number import NumberJudge, NumberSettings
from swarm_core.objectives.scores import Unscored, UnscoredReason

JUDGE = NumberJudge.from_settings(NumberSettings())
UNREADABLE = UnscoredReason.UNREADABLE

ANSWERS = [
    ("72", "72", 1.0),
    ("72", "She sold 72 clips.", 1.0),
    ("72", "48 + 24 = 72", 1.0),
    ("72", "48 + 24 = 71", 0.0),
    ("Half of 48 is 24. 48+24=72\n#### 72", "The answer is $72.", 1.0),
    (r"so \boxed{72}", "72", 1.0),
    ("1,234", "1234", 1.0),
    ("1234", "1.234", UNREADABLE),
    ("1.234", "1234", UNREADABLE),
    ("1.234", "1.234", 1.0),
    ("10/3", "3.33", 1.0),
    ("10/3", "3.3", 0.0),
    ("3.33", "10/3", 0.0),
    ("50", "50%", 1.0),
    ("50%", "50", 1.0),
    ("50%", "0.5", 1.0),
    ("50", "0.5", 0.0),
    ("0.5", "50%", 1.0),
    ("-5", "5", 0.0),
    ("15", "5", 0.0),
    ("5", "15", 0.0),
    ("72", "72 or 73", 0.0),
    ("72", "", 0.0),
    ("72", "seventy-two", UNREADABLE),
    ("72", "9" * 300_000, UNREADABLE),
]


@pytest.mark.parametrize(("reference", "answer", "outcome"), ANSWERS, ids=[f"{r[:9]} | {a[:9]}" for r, a, _ in ANSWERS])
def test_the_stated_numbers_are_compared(reference: str, answer: str, outcome: float | UnscoredReason) -> None:
    item = Item("How many clips?", reference=reference)
    assert JUDGE.refusal(item) is None
    assert JUDGE.requests(item, answer) == ()
    scored = JUDGE.score(item, answer, ())
    assert (scored.reason if isinstance(scored, Unscored) else scored) == outcome


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        (None, "it has no reference answer"),
        ("", "its reference '' is no number: the answer states no number"),
        ("many", "its reference 'many' is no number: the answer states no number"),
        ("4 or 5", "its reference '4 or 5' is not one whole number or decimal"),
        ("3.33...", "its reference '3.33...' is not one whole number or decimal"),
    ],
)
def test_an_item_whose_reference_is_no_number_is_refused_with_the_reason(reference: str | None, why: str) -> None:
    item = Item("How many?", reference=reference)
    assert JUDGE.refusal(item) == why
    assert JUDGE.score(item, "4", ()) == Unscored(UnscoredReason.JUDGE_FAILED, why)
    assert JUDGE.solution(item) is None


def test_a_tolerance_is_a_share_of_the_reference() -> None:
    judge = plugins.build_part("verifiers", "Number", {"tolerance": 0.01})
    scores = [judge.score(Item("?", reference="-200"), answer, ()) for answer in ("-198", "-202", "-197.9", "198")]
    assert scores == [1.0, 1.0, 0.0, 0.0]
    assert judge.score(Item("?", reference="0"), "0.001", ()) == 0.0


@given(st.integers(-(10**6), 10**6) | st.fractions(max_denominator=99))
def test_a_reference_is_its_own_right_answer(value: object) -> None:
    item = Item("How many?", reference=str(value))
    assert JUDGE.score(item, JUDGE.solution(item) or "", ()) == 1.0
