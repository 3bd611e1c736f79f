"""The answer of a writer is checked before it is the reference of its item."""

from collections.abc import Sequence

import pytest

from swarm_core import answer_check
from swarm_core.answer_check import AnswerCheck
from swarm_core.api.takers import AnswerChecker
from swarm_core.asking import Ask
from swarm_core.gates import admission
from swarm_core.items import Item
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.judges.exact_match import ExactMatchJudge
from swarm_core.judges.panel import PanelJudge
from swarm_core.judges.rubric import RubricJudge
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason
from swarm_core.ports import Completion, Judge, Reply, Request, RequestFailure
from swarm_core.recipe import ModelName
from swarm_core.rollout import AnsweredItem, TakerAnswer

ARITHMETIC, EXACT, MODEL = ArithmeticJudge(), ExactMatchJudge(), RubricJudge(ModelName("a" * 64), "Mark.")
RIGHT, WRONG, ODD = Item("7*8", "56"), Item("7*8", "54"), Item("7*8", "who knows")
MISSING = Unscored(UnscoredReason.JUDGE_FAILED, "gone")
NOBODY_ASKED: Ask = lambda requests: []  # noqa: E731 (a stand-in)


def admit(check: AnswerCheck, items: Sequence[Item], ask: Ask = NOBODY_ASKED) -> admission.Admission:
    return admission.admit(items, check.gates, ask)


def answered(item: Item, *scores: Score) -> AnsweredItem:
    return AnsweredItem(item, tuple(TakerAnswer("x", score) for score in scores))


def test_a_program_rejects_wrong_and_unreadable_answers_by_itself() -> None:
    check = AnswerCheck(ARITHMETIC)
    admitted = admit(check, [RIGHT, WRONG, ODD])
    assert admitted.accepted == (RIGHT,)
    assert [(one.item, one.gate) for one in admitted.rejections] == [(WRONG, "WrongAnswer"), (ODD, "WrongAnswer")]
    assert admitted.rejections[0].reason == "the judge calls its answer '54' wrong"
    assert "cannot be read" in admitted.rejections[1].reason
    assert not check.asks_takers(RIGHT)
    unanimous = [answered(RIGHT, 0.0, 0.0, 0.0)]
    assert answer_check.confirm(check, unanimous).items == tuple(unanimous)


def test_a_judge_that_needs_references_leaves_the_check_to_takers() -> None:
    check = AnswerCheck(EXACT)
    assert admit(check, [WRONG]).accepted == (WRONG,)
    found = answer_check.confirm(check, [answered(RIGHT, 1.0, 1.0, 0.0), answered(WRONG, 1.0, 0.0, 0.0)])
    assert [one.item for one in found.items] == [RIGHT]
    (rejection,) = found.rejections
    assert (rejection.item, rejection.gate) == (WRONG, "TakersDisagree")
    assert rejection.reason == "1 of 3 takers give its answer, and 2 must"


@pytest.mark.parametrize(
    ("scores", "verdict"),
    [
        ((1.0, 1.0), "kept"),  # two of two are more than half
        ((1.0, 0.0), "rejected"),  # half is not
        ((1.0, 1.0, 0.0, 0.0), "rejected"),
        ((1.0, 0.5, 0.6, 0.0), "kept"),
        ((1.0, 1.0, MISSING, 0.0), "undecided"),  # it could be the third of four
        ((1.0, 1.0, 1.0, MISSING), "kept"),
        ((1.0, 0.0, 0.0, MISSING), "rejected"),  # it could not
    ],
)
def test_more_than_half_of_all_takers_must_agree_and_a_missing_score_changes_nothing(
    scores: tuple[Score, ...], verdict: str
) -> None:
    found = answer_check.confirm(AnswerCheck(EXACT), [answered(RIGHT, *scores)])
    assert {"kept": len(found.items), "rejected": len(found.rejections), "undecided": len(found.undecided)} == {
        name: int(name == verdict) for name in ("kept", "rejected", "undecided")
    }


def test_the_number_of_takers_that_must_agree_can_be_set() -> None:
    check = AnswerCheck(EXACT, AnswerChecker.TAKERS, agreeing=1)
    one, none = answered(RIGHT, 1.0, 0.0, 0.0, 0.0), answered(RIGHT, 0.0, 0.0, 0.0, 0.0)
    assert answer_check.confirm(check, [one, none]).items == (one,)


def mark(reply: Reply) -> tuple[admission.Admission, list[Request]]:
    asked = list[Request]()

    def ask(requests: Sequence[Request]) -> list[Reply]:
        asked.extend(requests)
        return [reply for _ in requests]

    return admit(AnswerCheck(MODEL), [WRONG], ask), asked


def test_a_model_judges_the_answer_without_seeing_it_as_the_reference_and_takers_must_agree_too() -> None:
    admitted, asked = mark(Completion("Score: 2", 3, True))
    assert [one.gate for one in admitted.rejections] == ["WrongAnswer"]
    (request,) = asked
    assert "54" in request.prompt
    assert "reference" not in request.prompt
    assert mark(Completion("Score: 9", 3, True))[0].accepted == (WRONG,)
    assert AnswerCheck(MODEL).asks_takers(WRONG)


@pytest.mark.parametrize("reply", [RequestFailure("down"), Completion("hm", 1, True), Completion("Score: 9", 3, False)])
def test_a_model_without_a_verdict_leaves_the_item_undecided(reply: Reply) -> None:
    (found,) = mark(reply)[0].undecided
    assert (found.item, found.gate) == (WRONG, "undecided")
    assert found.reason.startswith("WrongAnswer: ")


@pytest.mark.parametrize(
    ("judge", "checker", "takers", "fault"),
    [
        (EXACT, AnswerChecker.JUDGE, 2, "compares answers with references, so it cannot check them; set it to Takers"),
        (EXACT, AnswerChecker.JUDGE_AND_TAKERS, 2, "compares answers with references"),
        (EXACT, None, 0, "no taker is listed; list takers, or set it to Nobody"),
        (ARITHMETIC, AnswerChecker.TAKERS, 0, "no taker is listed; list takers, or set it to Nobody or Judge"),
        (EXACT, AnswerChecker.NOBODY, 0, None),
        (EXACT, None, 1, None),
        (ARITHMETIC, None, 0, None),
        (PanelJudge((ARITHMETIC, EXACT), 1), AnswerChecker.JUDGE, 0, None),
        (PanelJudge((ARITHMETIC, EXACT), 2), AnswerChecker.JUDGE, 0, "compares answers with references"),
    ],
)
def test_a_check_that_nobody_can_make_is_refused(
    judge: Judge, checker: AnswerChecker | None, takers: int, fault: str | None
) -> None:
    found = AnswerCheck(judge, checker).find_fault([RIGHT, WRONG], takers)
    assert (found is None) if fault is None else fault in str(found)


def test_a_number_of_takers_that_nobody_asks_is_refused() -> None:
    fault = AnswerCheck(ARITHMETIC, agreeing=1).find_fault([RIGHT], 4)
    assert fault == (
        "agreeingTakers is 1, but the judge checks alone, and no taker is asked; remove agreeingTakers, or set it to"
        " Takers or JudgeAndTakers"
    )
    assert AnswerCheck(ARITHMETIC, AnswerChecker.JUDGE_AND_TAKERS, 1).find_fault([RIGHT], 4) is None
    assert AnswerCheck(EXACT, agreeing=1).find_fault([RIGHT], 4) is None


def test_the_check_is_described_for_the_card() -> None:
    assert AnswerCheck(ARITHMETIC).describe([RIGHT], 4) == "the judge called it right"
    assert AnswerCheck(EXACT).describe([RIGHT], 4) == "3 of 4 takers gave the same answer"
    assert AnswerCheck(MODEL, agreeing=1).describe([RIGHT], 4) == (
        "the judge called it right and 1 of 4 takers gave the same answer"
    )
    assert AnswerCheck(MODEL, AnswerChecker.NOBODY).describe([RIGHT], 4) == "nobody checked it"
