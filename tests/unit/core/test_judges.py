"""Arithmetic judged exactly, and read with care."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core import plugins
from swarm_core.errors import BadInputError
from swarm_core.items import Item
from swarm_core.judges import expression
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason

JUDGE = ArithmeticJudge()


def score(item: str, answer: str) -> Score:
    """A program's score: nobody is asked."""
    assert JUDGE.requests(Item(item), answer) == ()
    return JUDGE.score(Item(item), answer, ())


VALUES = [
    ("12+34", Fraction(46)),
    ("2+3*4", Fraction(14)),
    ("(2+3)*4", Fraction(20)),
    ("10-3-2", Fraction(5)),
    ("100/10/5", Fraction(2)),
    ("1/3+1/6", Fraction(1, 2)),
    ("0.1+0.2", Fraction(3, 10)),
    ("-5+3", Fraction(-2)),
    ("4*-3", Fraction(-12)),
    ("-(2+3)*2", Fraction(-10)),
    ("1,234+1", Fraction(1235)),
    ("6×7−4÷2", Fraction(40)),
    (" 1 + 2 ", Fraction(3)),
    ("10/4", Fraction(5, 2)),
    ("-(1-2*(3-4))/3", Fraction(-1)),
]


@pytest.mark.parametrize(("text", "value"), VALUES, ids=[text for text, _ in VALUES])
def test_an_expression_has_its_exact_value(text: str, value: Fraction) -> None:
    assert expression.evaluate(text).number == value


@pytest.mark.parametrize(
    "item",
    ["12+34", "12 + 34 =", "12 + 34 = ?", "12+34?", "12+34=?", " 12+34\n", "１２＋３４", "12\u200b+\u202f34", "١٢+٣٤"],
)
def test_an_expression_may_be_dressed_as_a_question(item: str) -> None:
    assert JUDGE.refusal(Item(item)) is None
    assert score(item, "46") == 1.0


REFUSED = {
    "": "a number is missing before 'the end'",
    "12": "a number without an operation",
    "-12 =": "a number without an operation",
    "12+": "a number is missing before 'the end'",
    "12+34)": "')' after the end of the expression",
    "(12+34": "a parenthesis is not closed",
    "1 2+3": "'2' after the end of the expression",
    "What is 12+34?": "'W' is no part of an arithmetic expression",
    "x+1": "'x' is no part of an arithmetic expression",
    "2^3": "'^' is no part of an arithmetic expression",
    "2**3": "a number is missing before '*'",
    "12+34=46": "'=' is no part of an arithmetic expression",
    "1\n+2": "'\\n' is no part of an arithmetic expression",
    "2²+1": "'^' is no part of an arithmetic expression",
    "½+1": "'\\\\' is no part of an arithmetic expression",
    "--5+3": "a number is missing before '-'",
    "+5+3": "a number is missing before '+'",
    "05+3": "'05' begins with a zero too many",
    "1/0": "division by zero",
    "1/(2-2)": "division by zero",
    "1,23+4": "',' is no part of an arithmetic expression",
    "1,2345+4": "',' is no part of an arithmetic expression",
    "1.+2": "'.' is no part of an arithmetic expression",
    "1+" + "9" * 21: "a number of more than 20 digits",
    "(" * 17 + "1+2" + ")" * 17: "parentheses more than 16 deep",
    "1+" * 100 + "1": "201 characters; an expression has at most 200",
    "().__class__": "'.' is no part of an arithmetic expression",
}


@pytest.mark.parametrize(("item", "why"), REFUSED.items(), ids=[item[:20] or "empty" for item in REFUSED])
def test_what_has_no_value_is_refused_with_the_reason(item: str, why: str) -> None:
    assert JUDGE.refusal(Item(item)) == why


ANSWERS = [
    ("12+34", "46", 1.0),
    ("12+34", "47", 0.0),
    ("12+34", " 46\n", 1.0),
    ("12+34", "= 46", 1.0),
    ("12+34", "The answer is 46.", 1.0),
    ("12+34", "12 + 34 = 46", 1.0),
    ("12+34", "46 is the answer", 1.0),
    ("12+34", "**46**", 1.0),
    ("12+34", "$46$", 1.0),
    ("12+34", "答案是46。", 1.0),
    ("12+34", "46.0", 1.0),
    ("12+34", "46.01", 0.0),
    ("12+34", "046", 1.0),
    ("12+34", "...46", 1.0),
    ("12+34", "It is 46, not 45", 1.0),
    ("12+34", r"So \boxed{46}, as step 2 says", 1.0),
    ("12+34", r"First \boxed{45}, no: \boxed{46}", 1.0),
    ("12+34", r"\boxed{\text{none}} 46", 1.0),
    ("12+34", "12,34,46", UnscoredReason.UNREADABLE),
    ("12+34", "x46", UnscoredReason.UNREADABLE),
    ("3-8", "-5", 1.0),
    ("3-8", "−5", 1.0),
    ("3-8", "3-8=-5", 1.0),
    ("3-8", "3 - 8 = -5", 1.0),
    ("3-8", "5", 0.0),
    ("8-3", "13-8", 0.0),
    ("8-5", "is 8-3", 0.0),
    ("999*999", "998,001", 1.0),
    ("999*999", "998001.00", 1.0),
    ("1/2+1/4", "3/4", 1.0),
    ("1/2+1/4", "3 / 4", 1.0),
    ("1/2+1/4", "0.75", 1.0),
    ("1/2+1/4", ".75", 1.0),
    ("1/2+1/4", r"\frac{3}{4}", 1.0),
    ("1/2+1/4", r"\boxed{\dfrac{3}{4}}", 1.0),
    ("1/2-1", "-1/2", 1.0),
    ("1/2-1", r"-\frac{1}{2}", 1.0),
    ("12/4", "12/4 = 3", 1.0),
    ("12/4", "12/4", 0.0),
    ("12/4", "3/1", 0.0),
    ("10/3", "10/3", 1.0),
    ("10/3", "3.3333333333333333", 1.0),
    ("1-1", "1/0", 0.0),
    ("1+1", "9" * 5000, 0.0),
    ("1+1", "1/" + "9" * 5000, 0.0),
    ("1+1", "", 0.0),
    ("1+1", " \n", 0.0),
    ("1+1", "I do not know.", UnscoredReason.UNREADABLE),
    ("one", "1", UnscoredReason.JUDGE_FAILED),
]


@pytest.mark.parametrize(("item", "answer", "outcome"), ANSWERS, ids=[f"{i} | {a[:30]}" for i, a, _ in ANSWERS])
def test_the_number_stated_is_what_counts(item: str, answer: str, outcome: float | UnscoredReason) -> None:
    scored = score(item, answer)
    assert (scored.reason if isinstance(scored, Unscored) else scored) == outcome


@given(
    numbers=st.lists(st.integers(0, 10**6), min_size=2, max_size=6),
    signs=st.lists(st.sampled_from("+-*"), min_size=5, max_size=5),
)
def test_any_sum_is_worth_what_python_says(numbers: list[int], signs: list[str]) -> None:
    item = str(numbers[0]) + "".join(f"{sign}{number}" for sign, number in zip(signs, numbers[1:], strict=False))
    value = eval(item)
    assert score(item, f"{item} = {value}") == 1.0
    assert score(item, f"{item} = {value + 1}") == 0.0


@given(item=st.text() | st.text("0123456789+-*/().,= ?"), answer=st.text() | st.text("0123456789/.,-=\\boxed{} "))
def test_no_text_is_too_strange_to_judge(item: str, answer: str) -> None:
    refused = JUDGE.refusal(Item(item))
    scored = score(item, answer)
    assert scored in (0.0, 1.0) or isinstance(scored, Unscored)
    if refused is not None:
        assert scored == Unscored(UnscoredReason.JUDGE_FAILED, refused)


@pytest.mark.parametrize(
    "answer",
    ["9" * 100_000, "3/" + "9" * 100_000 + ".5", "1," * 100_000, r"\boxed{" * 20_000, "-" * 100_000, "1." * 100_000],
    ids=["digits", "fraction", "commas", "boxes", "signs", "points"],
)
@pytest.mark.timeout(5)
def test_no_answer_is_long_enough_to_hold_the_judge_up(answer: str) -> None:
    assert score("1+1", answer) in (0.0, Unscored(UnscoredReason.UNREADABLE, "the answer states no number"))


def test_judges_are_found_by_name() -> None:
    assert isinstance(plugins.build_part("verifiers", "Arithmetic", {}), ArithmeticJudge)


def test_an_unknown_judge_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(BadInputError, match=r"verifier 'arithmetic' is unknown: install .* built in are .*Arithmetic"):
        plugins.build_part("verifiers", "arithmetic", {})


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"base": 10}, "base: "),
        ({"exactness": "Rounded"}, "exactness: .*'Exact' or 'Decimal'"),
        ({"decimalPlaces": 0}, "decimalPlaces: .*greater than or equal to 1"),
        ({"decimalPlaces": 16}, "decimalPlaces: .*less than or equal to 15"),
    ],
)
def test_a_judge_refuses_settings_that_it_does_not_understand(config: dict[str, object], told: str) -> None:
    with pytest.raises(BadInputError, match=f"verifier Arithmetic: {told}"):
        plugins.build_part("verifiers", "Arithmetic", config)


def test_what_a_data_set_claims_does_not_move_a_judge_that_computes() -> None:
    claimed = Item("12+34", reference="47", choices=("46", "47"))
    assert JUDGE.score(claimed, "46", ()) == 1.0
    assert JUDGE.solution(claimed) == "46"
