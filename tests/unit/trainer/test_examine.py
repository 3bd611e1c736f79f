"""An examination asks, gates, has answered and judges; what is missing stays missing."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from scripted_engine import Script, Scripted

from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason
from swarm_core.ports import Completion, Request, RequestFailure
from swarm_core.recipe import ModelName
from swarm_core.text.prompts import PromptStyle
from swarm_trainer.evaluation.examine import Examination, Sampling, examine_generator

WRITER, GOOD, BAD = (ModelName(digit * 64) for digit in "abc")
POOL = tuple(f"{n}+{n}" for n in range(20))


def wrote(text: str) -> Completion:
    return Completion(text, len(text), True)


def exam(rounds: int = 1, held_out: frozenset[str] = frozenset()) -> Examination:
    return Examination(
        seed=7,
        style=PromptStyle.PLAIN,
        domain="arithmetic",
        pool=POOL,
        held_out=held_out,
        shots=2,
        rounds=rounds,
        generation=Sampling(32, 1.0),
        answering=Sampling(8, 0.0),
        takers=(("good", GOOD), ("bad", BAD)),
        judge=ArithmeticJudge(),
    )


def numbered(texts: Sequence[str]) -> Script:
    """A writer that gives these texts in turn, a good taker that is right and a bad one that says 0."""
    waiting = iter(texts)

    def script(request: Request) -> Completion | RequestFailure:
        if request.model == WRITER:
            return wrote(next(waiting))
        item = request.prompt.removeprefix("Q: ").removesuffix("\nA:")
        return wrote(f" {eval(item) if request.model == GOOD else 0}")

    return script


def test_every_taker_answers_every_item_and_is_judged() -> None:
    rollout = examine_generator(exam(), Scripted(numbered(["- 1+2\n- 3+4\n", "- 5+6\n- 7+8\n"])), WRITER, ("here",), 4)
    assert [item.text for item in rollout.items] == ["1+2", "3+4", "5+6", "7+8"]
    assert [[answer.score for answer in item.answers] for item in rollout.items] == [[1.0, 0.0]] * 4
    assert (rollout.asked, rollout.lost, rollout.takers) == (4, 0, ("good", "bad"))


def test_repeated_leaked_and_unverifiable_items_are_rejected_by_name() -> None:
    script = numbered(["- 1+2\n- 1+2\n", "- what?\n- 3+4\n"])
    rollout = examine_generator(exam(held_out=frozenset({"3+4"})), Scripted(script), WRITER, ("here",), 4)
    assert [item.text for item in rollout.items] == ["1+2"]
    assert rollout.rejected() == {"duplicate": 1, "verifiable": 1, "leaked": 1}


def test_a_shortfall_is_asked_for_again_and_never_padded() -> None:
    engine = Scripted(numbered(["- 1+2\n", "- 1+2\n", "- 3+4\n", "- 5+6\n"]))
    rollout = examine_generator(exam(rounds=2), engine, WRITER, ("here",), 4)
    assert [item.text for item in rollout.items] == ["1+2", "3+4", "5+6"]
    assert rollout.asked == 8
    assert rollout.rejected() == {"duplicate": 1, "missing": 4}
    assert sum(request.model == WRITER for request in engine.asked) == 4


def test_a_failed_request_is_asked_once_more_and_then_lost_without_cost() -> None:
    engine = Scripted(lambda request: RequestFailure("connection refused"))
    rollout = examine_generator(exam(), engine, WRITER, ("here",), 4)
    assert (rollout.asked, rollout.lost, rollout.items) == (4, 4, ())
    assert len(engine.asked) == 4
    assert not rollout.rejected()


def test_a_taker_that_cannot_be_asked_leaves_a_missing_score() -> None:
    right = numbered(["- 1+2\n- 3+4\n"])

    def script(request: Request) -> Completion | RequestFailure:
        return RequestFailure("timed out") if request.model == BAD else right(request)

    rollout = examine_generator(exam(), Scripted(script), WRITER, ("here",), 2)
    assert [answer.score for answer in rollout.items[0].answers] == [
        1.0,
        Unscored(UnscoredReason.NO_ANSWER, "timed out"),
    ]


@pytest.mark.parametrize(("temperature", "scores"), [(0.0, [None, None]), (0.7, [1.0, 1.0])], ids=["greedy", "sampled"])
def test_an_unreadable_answer_is_sampled_once_more_where_answers_are_sampled(
    temperature: float, scores: list[float | None]
) -> None:
    right = numbered(["- 1+2\n- 3+4\n"])
    heard = set[str]()

    def script(request: Request) -> Completion | RequestFailure:
        if request.model == GOOD and request.prompt not in heard:
            heard.add(request.prompt)
            return wrote(" hm")
        return right(request)

    paper = replace(exam(), answering=Sampling(8, temperature))
    rollout = examine_generator(paper, Scripted(script), WRITER, ("here",), 2)
    found = [item.answers[0].score for item in rollout.items]
    assert [None if isinstance(score, Unscored) else score for score in found] == scores


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.1, 1.1])
def test_a_score_that_is_no_score_is_refused(value: float) -> None:
    class Odd(ArithmeticJudge):
        def score(self, item: str, answer: str) -> Score:
            return value

    with pytest.raises(ValueError, match="a score is a finite number from 0 to 1"):
        examine_generator(replace(exam(), judge=Odd()), Scripted(numbered(["- 1+2\n- 3+4\n"])), WRITER, ("here",), 2)


def test_what_is_asked_depends_on_the_place_and_not_on_the_model() -> None:
    def prompts(model: ModelName, place: tuple[str | int, ...]) -> list[tuple[str, int]]:
        engine = Scripted(lambda request: wrote(""))
        examine_generator(exam(), engine, model, place, 4)
        return [(request.prompt, request.seed) for request in engine.asked]

    assert prompts(WRITER, ("iteration", 1)) == prompts(GOOD, ("iteration", 1))
    assert prompts(WRITER, ("iteration", 1)) != prompts(WRITER, ("iteration", 2))
