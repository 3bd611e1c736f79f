"""An examination of a generator that writes answers: what is shown, checked, rejected and scored."""

from collections.abc import Callable

import pytest
from scripted_engine import Scripted

from swarm_core.answer_check import AnswerCheck
from swarm_core.api.takers import AnswerChecker
from swarm_core.item_index import ItemIndex
from swarm_core.items import Item
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.judges.exact_match import ExactMatchJudge
from swarm_core.judges.multiple_choice import MultipleChoiceJudge
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.objective import Measurement
from swarm_core.objectives.scores import UnscoredReason
from swarm_core.ports import Completion, Judge, Request, RequestFailure
from swarm_core.recipe import ModelName
from swarm_core.rollout import Rollout, measure
from swarm_core.text.item_formats import ItemFormat
from swarm_core.text.prompts import PromptStyle, Wording
from swarm_trainer.evaluation.examine import Examination, Sampling, examine_generator

WRITER, *TAKERS = (ModelName(digit * 64) for digit in "abcd")
OPEN, CHOICE = ItemFormat.QUESTIONS_AND_ANSWERS, ItemFormat.MULTIPLE_CHOICE
SEEDS = [Item(f"{n}+100", str(n + 100), (str(n + 100), "0"), choices_shown=True) for n in range(9)]


def examine(
    written: str,
    judge: Judge,
    answer: Callable[[int, str], str],
    item_format: ItemFormat = OPEN,
    checker: AnswerChecker | None = None,
    takers: int = 3,
) -> tuple[Rollout, list[Request]]:
    """The rollout of a writer that writes this, and what was asked. `answer`: of a taker to a question."""

    def script(request: Request) -> Completion | RequestFailure:
        if request.model == WRITER:
            return Completion(written, 9, True)
        text = answer(TAKERS.index(request.model), request.prompt.removeprefix("Q: ").removesuffix("\nA:"))
        return RequestFailure("flagged", UnscoredReason.REFUSED) if text == "refused" else Completion(text, 1, True)

    engine = Scripted(script)
    exam = Examination(
        seed=7,
        wording=Wording(PromptStyle.PLAIN, "sums", format=item_format),
        seeds=ItemIndex(SEEDS, judge),
        held_out=ItemIndex((), judge),
        shots=4,
        rounds=1,
        generation=Sampling(64, 1.0),
        answering=Sampling(8, 0.0),
        takers=tuple((name, model) for name, model in zip("xyz"[:takers], TAKERS, strict=False)),
        judge=judge,
        answer_check=AnswerCheck(judge, checker),
    )
    return examine_generator(exam, engine, WRITER, ("here",), 4), engine.asked


FOUR = "- 1+2\n  A: 3\n- 3+4\n  A: 8\n- 5+6\n  A: hm\n- 7+8\n"


def test_a_program_checks_before_takers_answer_and_each_reason_is_counted() -> None:
    rollout, asked = examine(FOUR, ArithmeticJudge(), lambda taker, text: "0")
    assert [one.item for one in rollout.items] == [Item("1+2", "3")]
    assert rollout.rejected() == {"WrongAnswer": 2, "parse": 1}
    assert [one.reason for one in rollout.rejections if one.gate == "parse"] == ["NoAnswer"]
    assert len(asked) == 1 + 3, "takers answer no rejected item"
    value = measure([rollout], Difficulty(), 0.9, 1)
    assert isinstance(value, Measurement)
    assert value.value == pytest.approx(0.25), "one item of four that were asked for, which nobody can answer"


def test_the_prompt_shows_answers_to_the_writer_and_none_to_takers() -> None:
    _, asked = examine(FOUR, ArithmeticJudge(), lambda taker, text: "0")
    assert asked[0].prompt.count("\n  A: 1") == 4
    assert {request.prompt for request in asked[1:]} == {"Q: 1+2\nA:"}


def test_takers_check_where_the_judge_needs_references_and_rejected_items_have_no_scores() -> None:
    rollout, _ = examine(
        "- a?\n  A: yes\n- b?\n  A: no\n- c?\n  A: no\n- d?\n  A: no\n",
        ExactMatchJudge(),
        lambda taker, text: (
            "refused" if taker == 0 and text == "c?" else "no" if text == "c?" and taker == 1 else "yes"
        ),
    )
    assert [one.item.text for one in rollout.items] == ["a?"]
    # the taker that is missing could have been the second that agrees
    assert rollout.rejected() == {"TakersDisagree": 2, "undecided": 1}
    assert (rollout.asked, rollout.lost) == (4, 0)
    assert [count.asked for count in rollout.requests] == [4]
    assert [answer.score for answer in rollout.items[0].answers] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(("checker", "kept"), [(AnswerChecker.NOBODY, 2), (AnswerChecker.TAKERS, 1)])
def test_a_spec_may_choose_the_checker(checker: AnswerChecker, kept: int) -> None:
    written = "- 1+2\n  A: 3\n- 3+4\n  A: 9\n"
    rollout, _ = examine(written, ArithmeticJudge(), lambda taker, text: str(eval(text)), checker=checker)
    assert len(rollout.items) == 2, "a program compares with its own answer, not with the writer's"
    written = "- 1+2\n  A: 3\n- 3+4\n  A: 9\n"
    rollout, _ = examine(written, ExactMatchJudge(), lambda taker, text: str(eval(text)), checker=checker)
    assert len(rollout.items) == kept


def test_takers_see_shuffled_choices_and_the_reference_is_the_text_of_the_right_one() -> None:
    entries = [f"- {n}+{n}?\n  A) {2 * n}\n  B) 100\n  C) 101\n  Answer: A\n" for n in range(1, 5)]
    rollout, asked = examine("".join(entries), MultipleChoiceJudge(), lambda taker, text: "A", CHOICE)
    shown = {request.prompt for request in asked[1:]}
    assert len(shown) == 4
    assert all(prompt.count("\nA) ") == prompt.count("\nC) ") == 1 for prompt in shown)
    assert len({prompt.index(") 100") - prompt.index("\nA") for prompt in shown}) > 1, "the order is not the writer's"
    for one in rollout.items:
        assert one.item.reference == str(2 * int(one.text[0]))
        assert one.item.choices[0] == one.item.reference, "all takers say A, so only these have a majority"
    for rejection in rollout.rejections:
        assert rejection.gate == "TakersDisagree"
        assert rejection.item.choices[0] != rejection.item.reference


def test_choices_of_a_program_that_computes_are_checked_by_it() -> None:
    written = "- 1+2\n  A) 3\n  B) 4\n  Answer: A\n- 3+4\n  A) 7\n  B) 8\n  Answer: B\n"
    rollout, _ = examine(written, ArithmeticJudge(), lambda taker, text: "0", CHOICE)
    assert [(one.item.text, one.item.reference) for one in rollout.items] == [("1+2", "3")]
    assert rollout.rejected() == {"WrongAnswer": 1, "missing": 2}


def test_a_rollout_keeps_what_takers_saw() -> None:
    written = "- 1+2\n  A) 3\n  B) 4\n  Answer: A\n"
    rollout, _ = examine(written, ArithmeticJudge(), lambda taker, text: "3", CHOICE)
    again = Rollout.from_bytes(rollout.to_bytes())
    assert again == rollout
    assert again.items[0].item.shown_text.startswith("1+2\nA) ")
