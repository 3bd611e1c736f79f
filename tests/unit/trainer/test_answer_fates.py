"""The fate of an answer decides whether it is judged: no end means no score, and silence is wrong."""

from collections.abc import Sequence

import pytest

from swarm_core.items import Item
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.objectives import intervals
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.objective import Sample
from swarm_core.objectives.scores import AnswerFate, CoverageError, Score, Unscored, UnscoredReason
from swarm_core.ports import Completion, Reply, RequestFailure
from swarm_core.rollout import TakerAnswer
from swarm_trainer.evaluation import scoring
from swarm_trainer.evaluation.scoring import AnswerRules

JUDGE = ArithmeticJudge()
ITEM = Item("2999970*3000")


def score(reply: Reply, rules: AnswerRules = scoring.DEFAULT_RULES) -> TakerAnswer:
    (found,) = scoring.score_answers(JUDGE, [(ITEM, reply)], lambda _: [], rules)
    return found


@pytest.mark.parametrize("text", [" 8999910", " 8999910000", "", " The answer is 12"])
def test_an_answer_without_an_end_has_no_score_whatever_stands_in_it(text: str) -> None:
    found = score(Completion(text, 8, False))
    assert isinstance(found.score, Unscored)
    assert found.fate is AnswerFate.CUT_OFF
    assert "raise spec.answering.maxTokens" in found.score.detail
    wrong = score(Completion(text, 8, False), AnswerRules(cut_off_is_wrong=True))
    assert (wrong.score, wrong.fate) == (0.0, AnswerFate.CUT_OFF)


def test_a_perfect_taker_whose_answers_are_cut_off_leaves_no_difficulty() -> None:
    items = tuple(Item(f"2999970*3000{number}") for number in range(20))
    answers = [scoring.score_answer(JUDGE, item, Completion(" 89999", 5, False), ()) for item in items]
    sample = Sample((items,), ("perfect",), ((tuple(one.score for one in answers),),), 20)
    with pytest.raises(CoverageError, match=r"0 of 20 answers are scored.*20 CutOff: raise spec\.answering\.maxTokens"):
        intervals.measure(sample, Difficulty(), 0.95, 1)


@pytest.mark.parametrize(
    ("reply", "fate"),
    [
        (Completion("", 1, True), AnswerFate.BLANK),
        (Completion(" \n", 1, True), AnswerFate.BLANK),
        (Completion("", 9, True, thinking="2999970 times 3000 is"), AnswerFate.THINKING_ONLY),
        (Completion("who knows", 2, True), AnswerFate.UNREADABLE),
    ],
)
def test_a_taker_that_is_measured_gains_nothing_by_silence(reply: Completion, fate: AnswerFate) -> None:
    found = score(reply, AnswerRules(taker_is_measured=True))
    assert (found.score, found.fate) == (0.0, fate)


def test_only_what_could_not_be_had_is_missing_for_a_taker_that_is_measured() -> None:
    found = score(RequestFailure("flagged", UnscoredReason.REFUSED), AnswerRules(taker_is_measured=True))
    assert isinstance(found.score, Unscored)


def test_blank_answers_on_the_hardest_items_change_no_gain() -> None:
    right, wrong, blank = (score(Completion(text, 4, True)).score for text in (" 8999910000", " 7", ""))

    def gain(hardest: Score) -> float:
        final: Sequence[Score] = [right] * 15 + [hardest] * 5
        return intervals.measure_paired_difference(final, [right] * 15 + [wrong] * 5, 0.7, 1).value

    assert gain(blank) == gain(wrong) == 0.0
