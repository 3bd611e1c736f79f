"""An answer chooses by a letter or by the text of a choice. What could be two choices is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core import plugins
from swarm_core.items import Item
from swarm_core.judges.multiple_choice import LETTERS, MultipleChoiceJudge
from swarm_core.objectives.scores import Unscored, UnscoredReason

JUDGE = MultipleChoiceJudge()
CHOICES = ("Lyon", "Paris", "Paris, Texas", "Nice")
ITEM = Item("The capital of France?", reference="Paris", choices=CHOICES)

RIGHT = [
    "B",
    "b",
    "(B)",
    "(b)",
    "B.",
    "**B**",
    "[B]",
    "B) Paris",
    "b) paris",
    "B: Paris",
    "B Paris",
    "Paris",
    "paris.",
    "“Paris”",
    "Option B",
    "option B.",
    "The answer is B",
    "The answer is **(B) Paris**.",
    "Answer: B\nLyon is smaller.",
    "B because it is",
    "B. It is the seat of the government, not Lyon.",
    r"Thus \boxed{B}",
    r"\boxed{Paris}",
    "#### B",
    "It is Paris",
    "Lyon is big.\nIt is no capital.\nB",
    "Lyon is big.\n\nParis",
    "I am sure that it is (B)",
    "I choose option B!",
]
WRONG = [
    "A",
    "(A) Lyon",
    "Lyon",
    "C",
    "Paris, Texas",
    "It is Paris, Texas",
    "The answer is A, since Paris is too large",
    "d",
    "",
    "The answer is B. The answer is A",
]
UNREADABLE = [
    "B. Lyon",
    "B) Paris, Texas",
    "Lyon or Paris",
    "B or C",
    "B, C",
    "A and B",
    "E",
    "Z)",
    "I do not know",
    "It is not Paris",
    "A city in France",
    "The answer is a city",
    "The answer is A. Wait, B",
    "A\n\nB",
    "Lyon\nParis",
    "Between Lyon and Nice",
    "x" * 300_000,
    "It must be in France " * 600 + "Paris",
]


def outcome(answer: str, item: Item = ITEM) -> object:
    assert JUDGE.requests(item, answer) == ()
    found = JUDGE.score(item, answer, ())
    return found.reason if isinstance(found, Unscored) else found


@pytest.mark.parametrize("answer", RIGHT)
def test_the_right_choice_is_read(answer: str) -> None:
    assert outcome(answer) == 1.0


@pytest.mark.parametrize("answer", WRONG)
def test_another_choice_is_wrong(answer: str) -> None:
    assert outcome(answer) == 0.0


@pytest.mark.parametrize("answer", UNREADABLE, ids=[answer[:30] for answer in UNREADABLE])
def test_what_could_be_two_choices_or_none_has_no_score(answer: str) -> None:
    assert outcome(answer) is UnscoredReason.UNREADABLE


@pytest.mark.parametrize(
    ("choices", "reference", "why"),
    [
        ((), "Paris", "it has 0 choices; an item has 2 to 26"),
        (("Paris",), "Paris", "it has 1 choices; an item has 2 to 26"),
        (("Lyon", "Paris", " paris."), "Lyon", "choices B and C are equal"),
        (("Lyon", " "), "Lyon", "choice B is empty"),
        (("B", "Paris"), "Paris", "choice A is the letter of choice B"),
        (("Lyon", "x" * 501), "Lyon", "choice B has 501 characters; a choice has at most 500"),
        (CHOICES, None, "it has no reference answer"),
        (CHOICES, "Berlin", "its reference 'Berlin' is no choice"),
        (CHOICES, "E", "its reference 'E' is no choice"),
        (CHOICES, "B) Lyon", "its reference 'B) Lyon' is no choice"),
    ],
)
def test_an_item_without_clear_choices_is_refused(choices: tuple[str, ...], reference: str | None, why: str) -> None:
    item = Item("?", reference=reference, choices=choices)
    assert JUDGE.refusal(item) == why
    assert JUDGE.score(item, "A", ()) == Unscored(UnscoredReason.JUDGE_FAILED, why)
    assert JUDGE.solution(item) is None


@pytest.mark.parametrize("reference", ["Paris", "B", "b", "B)", "(B) Paris"])
def test_a_reference_names_its_choice_by_text_or_letter(reference: str) -> None:
    item = Item("?", reference=reference, choices=CHOICES)
    assert (outcome("B", item), outcome("A", item), JUDGE.solution(item)) == (1.0, 0.0, "Paris")


@given(st.lists(st.text("abcde 12", min_size=1, max_size=8), min_size=2, max_size=26), st.data())
def test_every_choice_of_an_accepted_item_can_be_chosen_by_letter_and_by_text(
    choices: list[str], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(choices) - 1))
    item = Item("?", reference=choices[place], choices=tuple(choices))
    if JUDGE.refusal(item) is None:
        assert outcome(choices[place], item) == 1.0
        assert outcome(f"({LETTERS[place]})", item) == 1.0
        other = LETTERS[(place + 1) % len(choices)]
        assert outcome(f"The answer is ({other})", item) == 0.0


def test_the_verifier_is_found_by_name() -> None:
    assert plugins.build_part("verifiers", "MultipleChoice", {}) == JUDGE
