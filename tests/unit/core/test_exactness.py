"""When a decimal counts as a value that no finite decimal equals."""

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from swarm_core import plugins
from swarm_core.items import Item
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.judges.exactness import Exactness, count_leading_zeros, is_finite

EXACT = ArithmeticJudge(Exactness.EXACT)
DECIMAL = ArithmeticJudge()


def decimal_text(value: Fraction, places: int, rounding: str) -> str:
    """`value` with that many places, by another library."""
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        return f"{exact.quantize(Decimal(1).scaleb(-places), rounding):f}"


values = st.fractions(min_value=Fraction(-5000), max_value=Fraction(5000), max_denominator=5000).filter(bool)


@given(value=values, more=st.integers(0, 8), wanted=st.integers(1, 6))
def test_a_rounded_decimal_with_enough_places_counts(value: Fraction, more: int, wanted: int) -> None:
    assume(not is_finite(value))
    places = wanted + count_leading_zeros(value)
    judge, item = ArithmeticJudge(decimal_places=wanted), Item(f"{value.numerator}/{value.denominator}")
    answer = decimal_text(value, places + more, ROUND_HALF_UP)
    assume("," not in answer)
    assert judge.score(item, answer, ()) == 1.0
    assert EXACT.score(item, answer, ()) != 1.0
    assert judge.score(item, decimal_text(value, max(places - 1, 0), ROUND_HALF_UP), ()) != 1.0


@given(value=values, places=st.integers(2, 10), off=st.integers(2, 50) | st.integers(-50, -2))
def test_a_decimal_with_a_wrong_last_digit_does_not_count(value: Fraction, places: int, off: int) -> None:
    right = Decimal(decimal_text(value, places, ROUND_HALF_UP))
    wrong = f"{right + Decimal(off).scaleb(-places):f}"
    assert DECIMAL.score(Item(f"{value.numerator}/{value.denominator}+0"), wrong, ()) != 1.0


@given(value=values, more=st.integers(1, 8))
def test_a_cut_decimal_counts_if_it_also_rounds_right(value: Fraction, more: int) -> None:
    assume(not is_finite(value))
    wanted = 2 + count_leading_zeros(value)
    answer = decimal_text(value, wanted + more, ROUND_DOWN)
    near = abs(Fraction(answer) - value) <= Fraction(1, 2 * 10**wanted)
    assert (DECIMAL.score(Item(f"{value.numerator}/{value.denominator}"), answer, ()) == 1.0) is near


@given(value=st.decimals(-999, 999, places=4).map(Fraction).filter(bool), places=st.integers(0, 10))
def test_a_value_that_can_be_written_out_has_no_other_decimal(value: Fraction, places: int) -> None:
    answer = decimal_text(value, places, ROUND_HALF_UP)
    scored = DECIMAL.score(Item(f"{value.numerator}/{value.denominator}+0"), answer, ())
    assert (scored == 1.0) is (Fraction(answer) == value)


RULE = [
    ("10/3", "3.33", 1.0),
    ("10/3", "3.333", 1.0),
    ("10/3", "3.3", 0.0),
    ("10/3", "3.34", 0.0),
    ("10/3", "3.334", 0.0),
    ("10/3", "3.33...", 1.0),
    ("2/3", "0.67", 1.0),
    ("2/3", "0.666", 1.0),
    ("2/3", "0.66", 0.0),
    ("1/30", "0.033", 1.0),
    ("1/30", "0.03", 0.0),
    ("1/3000", "0.00", 0.0),
    ("1/8", "0.125", 1.0),
    ("1/8", "0.13", 0.0),
    ("12+34", "45.999", 0.0),
    ("22/7", "3 1/7", 1.0),
    ("355/113", "approximately 3.14159", 1.0),
]


@pytest.mark.parametrize(("item", "answer", "outcome"), RULE, ids=[f"{item} | {answer}" for item, answer, _ in RULE])
def test_the_rule_of_the_docs(item: str, answer: str, outcome: float) -> None:
    assert DECIMAL.score(Item(item), answer, ()) == outcome


def test_only_the_value_is_exact() -> None:
    assert [EXACT.score(Item("10/3"), answer, ()) for answer in ("10/3", "3 1/3", "3.(3)", "3.3333")] == [1, 1, 1, 0]


def test_a_wrong_approximation_spoils_a_right_fraction() -> None:
    assert EXACT.score(Item("10/3"), r"\frac{10}{3} \approx 3.3", ()) == 1.0
    assert EXACT.score(Item("10/3"), r"\frac{10}{3} \approx 3.4", ()) == 0.0


def test_the_settings_are_read() -> None:
    judge = plugins.build_part("verifiers", "Arithmetic", {"exactness": "Exact", "decimalPlaces": 3})
    assert judge == ArithmeticJudge(Exactness.EXACT, 3)
