"""Answers marked by a model: what cannot be marked has no score, and what cannot be answered is no item."""

import pytest
from scripted_engine import Script, Scripted

from swarm_core.gates.registry import GateChoice
from swarm_core.item_index import ItemIndex
from swarm_core.items import build_items
from swarm_core.judges.rubric import RubricJudge
from swarm_core.objectives.scores import AnswerFate, Unscored, UnscoredReason
from swarm_core.ports import Completion, Request, RequestFailure
from swarm_core.recipe import ModelName, remote_model_name
from swarm_core.text.prompts import PromptStyle, Wording
from swarm_trainer.evaluation.examine import Examination, Sampling, examine_generator

ENDPOINT = {"url": "https://host", "model": "judge"}
JUDGE = remote_model_name("https://host/v1", "judge")
AWAY = remote_model_name("https://host/v1", "taker")
WRITER, HERE = ModelName("a" * 64), ModelName("b" * 64)


def wrote(text: str) -> Completion:
    return Completion(text, 1, True)


def refused(message: str) -> RequestFailure:
    return RequestFailure(message, UnscoredReason.REFUSED)


def script(judged: Script, answered: str = "42") -> Script:
    """A writer of two items, takers that say `answered`, and a judge."""

    def of(request: Request) -> Completion | RequestFailure:
        if request.model == WRITER:
            return wrote("- one fish\n- two fish\n")
        return judged(request) if request.model == JUDGE else wrote(answered)

    return of


def exam(vet: bool = True) -> Examination:
    return Examination(
        seed=7,
        wording=Wording(PromptStyle.PLAIN, "fish"),
        seeds=ItemIndex(build_items(f"{n} fish" for n in range(9))),
        held_out=ItemIndex(),
        shots=2,
        rounds=1,
        generation=Sampling(32, 1.0),
        answering=Sampling(8, 0.0),
        takers=(("here", HERE), ("away", AWAY)),
        judge=RubricJudge(JUDGE, "Be strict."),
        gates=(GateChoice("Answerable", {"endpoint": ENDPOINT}),) if vet else (),
        remote=frozenset({AWAY, JUDGE}),
    )


def vetting(request: Request) -> bool:
    return "<response-" not in request.prompt


def kind(request: Request) -> Completion:
    return wrote("Valid: yes" if vetting(request) else "Score: 9")


def test_every_answer_is_marked_and_the_judges_tokens_count() -> None:
    engine = Scripted(script(kind))
    rollout = examine_generator(exam(), engine, WRITER, ("here",), 2)
    assert [[answer.score for answer in item.answers] for item in rollout.items] == [[0.9, 0.9]] * 2
    assert [answer.text for answer in rollout.items[0].answers] == ["42", "42"]
    asked = [request.model for request in engine.asked]
    assert (asked.count(JUDGE), rollout.tokens) == (6, 1 + 2 + 4 + 4)


def test_an_item_that_the_judge_calls_unanswerable_is_rejected_before_any_taker_sees_it() -> None:
    engine = Scripted(script(lambda r: wrote("Valid: no") if "one fish" in r.prompt and vetting(r) else kind(r)))
    rollout = examine_generator(exam(), engine, WRITER, ("here",), 2)
    assert [item.text for item in rollout.items] == ["two fish"]
    assert rollout.rejected() == {"Answerable": 1}
    assert not any("one fish" in request.prompt for request in engine.asked if request.model in (HERE, AWAY))


def test_an_item_that_the_judge_could_not_be_asked_about_costs_as_much_as_a_rejected_one() -> None:
    def down(request: Request) -> Completion | RequestFailure:
        return refused("busy") if vetting(request) and "one fish" in request.prompt else kind(request)

    rollout = examine_generator(exam(), Scripted(script(down)), WRITER, ("here",), 2)
    assert (rollout.asked, rollout.lost, len(rollout.items)) == (2, 0, 1)
    assert rollout.rejected() == {"undecided": 1}
    assert [one.reason for one in rollout.rejections] == ["Answerable: busy"]


def test_without_vetting_every_item_goes_to_the_takers() -> None:
    engine = Scripted(script(kind))
    assert len(examine_generator(exam(vet=False), engine, WRITER, ("here",), 2).items) == 2
    assert not any(vetting(request) for request in engine.asked if request.model == JUDGE)


def test_a_judge_that_fails_or_says_nothing_leaves_a_missing_score() -> None:
    def judged(request: Request) -> Completion | RequestFailure:
        if vetting(request):
            return kind(request)
        return refused("timed out") if "one fish" in request.prompt else wrote("Splendid!")

    one, two = examine_generator(exam(), Scripted(script(judged)), WRITER, ("here",), 2).items
    assert one.answers[0].score == Unscored(UnscoredReason.JUDGE_FAILED, "timed out")
    assert one.answers[0].text == "42", "the answer is kept all the same"
    assert isinstance(two.answers[0].score, Unscored)
    assert two.answers[0].score.reason is UnscoredReason.JUDGE_FAILED


@pytest.mark.parametrize("blank", ["", " \n", "\u200b\u00ad", "\u3164", "<think>\n\n</think>\n"], ids=ascii)
def test_a_finished_blank_answer_is_wrong_and_not_put_to_the_judge(blank: str) -> None:
    engine = Scripted(script(kind, answered=blank))
    items = examine_generator(exam(), engine, WRITER, ("here",), 2).items
    assert {(answer.score, answer.fate) for item in items for answer in item.answers} == {(0.0, AnswerFate.BLANK)}
    assert all(vetting(request) for request in engine.asked if request.model == JUDGE)


def test_models_of_others_are_asked_in_chat_turns_and_our_own_in_the_style_of_the_base() -> None:
    engine = Scripted(script(kind))
    examine_generator(exam(), engine, WRITER, ("here",), 2)
    asked = {request.model: request for request in engine.asked}
    assert (asked[AWAY].prompt, asked[AWAY].chat, asked[AWAY].stop) == ("two fish", True, ())
    assert (asked[HERE].prompt, asked[HERE].chat, asked[HERE].stop) == ("Q: two fish\nA:", False, ("\n",))
