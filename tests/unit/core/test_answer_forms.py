"""The forms in which people and models write a number: each form is read whole, or not at all."""

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from swarm_core.items import Item
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.judges.number import NumberJudge, NumberSettings
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason

DATA = Path(__file__).parents[2] / "data"
KINDS = json.loads((DATA / "answer_kinds.json").read_text())
ROWS = [json.loads(line) for line in (DATA / "answer_forms.jsonl").read_text().splitlines()]
JUDGE = ArithmeticJudge()

SEPARATORS = [
    ",",
    " ",
    "'",
    "\u2019",
    "_",
    "\u00a0",
    "\u202f",
    "\u2009",
    "{,}",
    r"\,",
    r"\ ",
    r"\;",
    r",\!",
    "~",
    r"\text{,}",
]
DRESS = [
    "{}",
    "The answer is {}.",
    "= {}",
    "**{}**",
    "${}$",
    r"\boxed{{{}}}",
    "It is {} in all",
    "答案是{}。",
    "Answer: {}\n",
]
MINUS = ["-", "\u2212", "\u2013", "\u2010", "\u2011", "\u2012", "\ufe63", "\uff0d"]
DIGITS = ["0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९", "０１２３４５６７８９", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗"]
INVISIBLE = ["\u200b", "\u200d", "\u2060", "\u00ad", "\u200e", "\ufe0f", "\ufeff"]


def score(value: Fraction | int | str, answer: str) -> Score:
    """The score of `answer` to an item with this value."""
    return JUDGE.score(Item(value if isinstance(value, str) else f"0+{value}".replace("+-", "-")), answer, ())


def rows_of(kind: str) -> Iterator[tuple[str, str, bool]]:
    return ((row["item"], row["answer"], row["right"]) for row in ROWS if row["kind"] == kind)


@pytest.mark.parametrize("kind", KINDS)
def test_right_forms_score_and_wrong_ones_do_not(kind: str) -> None:
    wrongly_judged = [
        (item, answer, judged)
        for item, answer, right in rows_of(kind)
        if ((judged := score(item, answer)) == 1.0) is not right
    ]
    assert wrongly_judged == []


def test_the_table_has_two_hundred_forms_and_a_source_for_each_kind() -> None:
    assert len({(row["item"], row["answer"]) for row in ROWS}) == len(ROWS) >= 200
    assert {row["kind"] for row in ROWS} == set(KINDS)


@given(
    groups=st.lists(st.integers(0, 999), min_size=1, max_size=4),
    first=st.integers(1, 999),
    separator=st.sampled_from(SEPARATORS),
    dress=st.sampled_from(DRESS),
)
def test_a_grouped_number_is_itself_and_never_its_tail(
    groups: list[int], first: int, separator: str, dress: str
) -> None:
    pieces = [str(first), *(f"{group:03}" for group in groups)]
    answer = dress.format(separator.join(pieces))
    assert score(int("".join(pieces)), answer) == 1.0
    for start in range(1, len(pieces)):
        tail = int("".join(pieces[start:]))
        if tail != int("".join(pieces)):
            assert score(tail, answer) != 1.0


@given(
    head=st.integers(1, 9999),
    tail=st.integers(1, 9999),
    between=st.text(st.characters(exclude_categories=["L", "Nd", "Cs"]), min_size=1, max_size=3),
)
@example(head=1, tail=2, between=";¹")
@example(head=1, tail=2, between=";²;")
def test_no_sign_makes_the_tail_of_a_number_an_answer(head: int, tail: int, between: str) -> None:
    """Only words, line ends, sentence ends, equations and parentheses begin a new statement."""
    if not any(
        letter in "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029.!?:。！？：(（[⇒|=≈→⟹⟶➜➡≅≃≒∼≐＝﹦>＞﹥｜﹙⁽₍［﹗？⁈⁇⁉"
        for letter in between
    ):
        assert head == tail or score(tail, f"{head}{between}{tail}") != 1.0


@given(number=st.integers(1, 10**9), sign=st.sampled_from(MINUS), dress=st.sampled_from(DRESS))
def test_every_minus_sign_counts(number: int, sign: str, dress: str) -> None:
    answer = dress.format(f"{sign}{number}")
    assert score(-number, answer) == 1.0
    assert score(number, answer) != 1.0


@given(number=st.integers(1, 10**9), digits=st.sampled_from(DIGITS), dress=st.sampled_from(DRESS))
def test_digits_of_every_script_count(number: int, digits: str, dress: str) -> None:
    assert score(number, dress.format(str(number).translate(str.maketrans("0123456789", digits)))) == 1.0


@given(number=st.integers(10, 10**9), place=st.integers(1, 9), hidden=st.sampled_from(INVISIBLE))
def test_what_nobody_sees_changes_nothing(number: int, place: int, hidden: str) -> None:
    text = str(number)
    answer = text[:place] + hidden + text[place:]
    assert score(number, answer) == 1.0
    if text[place:] and text[:place]:
        assert score(int(text[place:]), answer) != 1.0


@given(
    above=st.integers(-99, 99),
    below=st.integers(2, 99),
    form=st.sampled_from(["{}/{}", r"\frac{{{}}}{{{}}}", "{} / {}"]),
)
def test_a_fraction_counts_in_lowest_terms_only(above: int, below: int, form: str) -> None:
    value = Fraction(above, below)
    lowest = value.denominator == below and below > 1
    assert (score(f"{above}/{below}", form.format(above, below)) == 1.0) is lowest


@given(
    whole=st.integers(0, 999),
    places=st.text("0123456789", min_size=1, max_size=6),
    mark=st.sampled_from([".", ",", "{,}", "٫"]),
)
def test_both_decimal_marks_count_unless_the_number_may_be_grouped(whole: int, places: str, mark: str) -> None:
    answer, value = f"{whole}{mark}{places}", f"{whole}.{places}+0"
    grouped = mark in (",", "{,}") and len(places) == 3 and whole > 0
    if not grouped:
        assert score(value, answer) == 1.0
    elif Fraction(f"{whole}.{places}") != int(f"{whole}{places}"):
        assert isinstance(score(value, answer), Unscored)
        assert score(int(f"{whole}{places}"), answer) == 1.0


@pytest.mark.parametrize(("item", "answer"), [("9000+500", "9.500"), ("9.5+0", "9,500"), ("0-1234", "-1.234")])
def test_a_number_that_is_right_in_the_other_convention_is_not_judged(item: str, answer: str) -> None:
    scored = score(item, answer)
    assert isinstance(scored, Unscored)
    assert scored.reason is UnscoredReason.UNREADABLE


@pytest.mark.parametrize("answer", ["12,34,46", "±46", "— 46", "- 46", "> 46", "1.2.46", ",46", r"\boxed{46"])
def test_a_number_in_doubt_is_not_judged(answer: str) -> None:
    scored = score(46, answer)
    assert isinstance(scored, Unscored)
    assert scored.reason is UnscoredReason.UNREADABLE


@pytest.mark.parametrize("answer", ["9" * 2000, "1e9999999", "1e401", "10^999999", "10^{-999999}", "1/" + "9" * 2000])
def test_a_number_too_long_for_any_value_is_not_right(answer: str) -> None:
    assert score("1+1", answer) != 1.0


@pytest.mark.parametrize(
    ("item", "answer"),
    [
        ("9000+500", "9 thousand 500"),
        ("9000+500", "9千5百"),
        ("9000+500", "9 thousand and 500"),
        ("9000+500", "9,5 тыс."),
        ("500000*1", "5 hundred thousand"),
        ("10500000*1", "1 crore 5 lakh"),
        ("10000000*1", "1000만"),
        ("0-9500", "-9 thousand 500"),
        ("3-7", "マイナス4"),
        ("3-7", "負の4"),
        ("3-7", r"$-\boxed{4}$"),
        ("1/2+0", r"\boxed{50}\%"),
        ("10/3", "3 and 1/3"),
        ("10/3", "3 ¹⁄₃"),
        ("10/3", "3&frac13;"),
        ("0-1/3", "1/-3"),
        ("9000+500", "9&#44;500"),
        ("9000+500", "nine thousand five hundred (9,500)"),
    ],
)
def test_a_number_in_several_words_or_parts_is_read_whole(item: str, answer: str) -> None:
    assert score(item, answer) == 1.0


@pytest.mark.parametrize(
    "answer",
    [
        *[
            "9 thousand 500",
            "9k 500",
            "9千500",
            "9 thousand, 500",
            "500 тыс.",
            "500 mille",
            "500만",
            "500M",
            "5 hundred thousand",
        ],
        *["マイナス500", "음수 500", "meno 500", r"-\boxed{500}", r"9,\boxed{500}", r"9\boxed{500}", r"\boxed{500}00"],
        *["500π", r"500\pi", r"500 \sqrt{2}", "500i", "500x^2", "x^3-500", r"\log 500", "500₂", "(500)_8", "500 R1"],
        *["(0,500)", r"(-\infty, 500]", r"\{1,500\}", r"\pm 500", "<500", "≤500", "1 hour 500 minutes", "5 ft 500 in"],
        *["500 ‱", "500 squared", "square root of 500"],
    ],
)
def test_a_part_of_a_number_or_of_an_expression_is_never_the_answer(answer: str) -> None:
    assert score(500, answer) != 1.0


@pytest.mark.parametrize(
    "answer", ["4\\pi", "3i", "11\\sqrt2", "(1,2)", "(-\\infty, 3]", "10_{2}", "1 hour 30 minutes"]
)
def test_a_reference_that_is_no_single_number_is_refused(answer: str) -> None:
    assert NumberJudge.from_settings(NumberSettings()).refusal(Item("How much?", reference=answer)) is not None
