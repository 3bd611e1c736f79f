"""One expression in many spellings has one canonical form; two expressions never share one."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core.items import Item
from swarm_core.judges import expression
from swarm_core.judges.arithmetic import ArithmeticJudge, extract_expression
from swarm_core.ports import Canonicalizer

JUDGE = ArithmeticJudge()
ONE_PRODUCT = [
    "97*98",
    "97*98=",
    "97*98=?",
    "97*98?",
    "97×98",
    "97·98",
    "(97*98)",
    "(97)*98",
    "97*(98)",
    "98*97",
    "97*98+0",
    "1*97*98",
    "97.0*98",
    "97.00*98",
    "97*98/1",
    "-(-97*98)",
    "97*98-0",
    "97*98*1",
    "97*98.0",
    "９７×９８",
    "97\u200b*98",
    "(-97)*-98",
    "0+97*98",
    "((98))*97/1/1",
    "٩٧*98",
    "98*(97+0)",
    "-(0-97)*98",
]


def test_one_product_in_many_spellings_is_one_item() -> None:
    assert isinstance(JUDGE, Canonicalizer)
    assert len({JUDGE.canonical(Item(text)) for text in ONE_PRODUCT}) == 1


@pytest.mark.parametrize(
    "texts",
    [
        ("1,234+1", "1234+1", "1+1234.0"),
        ("10-3-2", "10-(3+2)", "10-2-3", "-(3-10)-2", "(10-3)-2"),
        ("12/4/2", "12/(4*2)", "12/2/4"),
        ("(3-5)*2", "2*(3-5)", "-(5-3)*2", "-2*(5-3)"),
        ("2/3", "2/3/1", "1*2/3"),
    ],
)
def test_spellings_of_one_expression_share_a_form(texts: tuple[str, ...]) -> None:
    assert len({JUDGE.canonical(Item(text)) for text in texts}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2*(3+4)", "2*3+2*4"),
        ("12-34", "34-12"),
        ("12/34", "34/12"),
        ("1/2*4", "4*2"),
        ("0.5*3", "1/2*3"),
        ("6*7", "41+1"),
    ],
)
def test_other_expressions_have_other_forms(one: str, other: str) -> None:
    assert JUDGE.canonical(Item(one)) != JUDGE.canonical(Item(other))


@pytest.mark.parametrize("text", ["", "12", "one and two", "1/0", "2²+1"])
def test_what_the_judge_refuses_has_no_form(text: str) -> None:
    assert JUDGE.canonical(Item(text)) is None


expressions = st.recursive(
    st.integers(0, 99).map(str) | st.decimals(0, 99, places=1).map(str),
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(
        lambda parts: f"({parts[0]}{parts[1]}{parts[2]})"
    ),
    max_leaves=8,
)


@given(expressions)
def test_the_canonical_form_is_an_expression_of_the_same_value(text: str) -> None:
    form = JUDGE.canonical(Item(text))
    if form is not None:
        assert expression.evaluate(form.removeprefix("+").replace("(+", "(")).number == value_of(text)


@given(expressions, expressions)
def test_the_order_of_operands_does_not_matter(one: str, other: str) -> None:
    for sign in "+*":
        assert JUDGE.canonical(Item(f"{one}{sign}{other}")) == JUDGE.canonical(Item(f"{other}{sign}{one}"))


def value_of(text: str) -> Fraction:
    return expression.evaluate(extract_expression(text)).number
