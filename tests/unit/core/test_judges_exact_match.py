"""An answer is right if it is the reference, apart from its spelling."""

import pytest

from swarm_core import plugins
from swarm_core.items import Item
from swarm_core.judges.exact_match import ExactMatchJudge
from swarm_core.objectives.scores import Unscored, UnscoredReason

JUDGE = ExactMatchJudge()
LOOSE = ExactMatchJudge(ignore_articles=True, ignore_punctuation=True)


def score(reference: str, answer: str, judge: ExactMatchJudge = JUDGE) -> object:
    item = Item("What is it?", reference=reference)
    assert judge.requests(item, answer) == ()
    return judge.score(item, answer, ())


RIGHT = [
    ("Paris", "paris"),
    ("Paris", " **Paris**. "),
    ("Paris", "The answer is Paris."),
    ("Paris", "It is in France.\nAnswer: *Paris*\nThat is all."),
    ("Paris", "Let me think.\n\nParis"),
    ("Paris", r"Hence \boxed{Paris}, as I said"),
    ("Paris", "#### Paris"),
    ("“Paris”", '"Paris"'),
    ("x² + 1", "x^2+1"),
    ("No.", "no"),
    ("answer: Paris", "Answer: Paris"),
]
WRONG = [
    ("Paris", "Lyon"),
    ("Paris", "Paris, Texas"),
    ("Paris", "Not Paris"),
    ("Paris", "It may be Paris"),
    ("Paris", "The answer is Paris. No, the answer is Lyon"),
    ("Paris", "The answer is Paris. Wait, it is Lyon"),
    ("15", "5"),
    ("The Hague", "Hague"),
    ("rock-n-roll", "rock n roll"),
    ("Paris", ""),
]


@pytest.mark.parametrize(("reference", "answer"), RIGHT)
def test_a_spelling_of_the_reference_is_right(reference: str, answer: str) -> None:
    assert score(reference, answer) == 1.0


@pytest.mark.parametrize(("reference", "answer"), WRONG)
def test_everything_else_is_wrong(reference: str, answer: str) -> None:
    assert score(reference, answer) == 0.0


@pytest.mark.parametrize(
    ("reference", "answer", "right"),
    [
        ("The Hague", "hague", 1.0),
        ("the U.S.A.", "USA", 1.0),
        ("rock 'n' roll!", "Rock n roll", 1.0),
        ("theory", "ory", 0.0),
        ("3.5", "35", 0.0),
        ("-5", "5", 0.0),
        ("-5", "-5!", 1.0),
    ],
)
def test_articles_and_punctuation_can_be_left_out_but_numbers_stay(reference: str, answer: str, right: float) -> None:
    assert score(reference, answer, LOOSE) == right


def test_an_item_with_nothing_to_match_is_refused_with_the_reason() -> None:
    assert JUDGE.refusal(Item("?")) == "it has no reference answer"
    assert LOOSE.refusal(Item("?", reference="the!")) == "its reference 'the!' has nothing to match"
    assert JUDGE.refusal(Item("?", reference="the!")) is None
    for item in (Item("?"), Item("?", reference="!")):
        assert JUDGE.score(item, "!", ()) == Unscored(UnscoredReason.JUDGE_FAILED, JUDGE.refusal(item) or "")
        assert JUDGE.solution(item) is None


def test_a_far_too_long_answer_has_no_score() -> None:
    found = score("Paris", "Paris " * 50_000)
    assert isinstance(found, Unscored)
    assert found.reason is UnscoredReason.UNREADABLE


def test_the_settings_reach_the_judge() -> None:
    judge = plugins.build_part("verifiers", "ExactMatch", {"ignoreArticles": True, "ignorePunctuation": True})
    assert judge == LOOSE
    assert judge.solution(Item("?", reference="The Hague")) == "The Hague"
