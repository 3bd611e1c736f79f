"""An examination asks, gates, has answered and judges; what is missing stays missing."""

import itertools
import math
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_engine import Script, Scripted

from swarm_core.item_index import ItemIndex
from swarm_core.items import Item, build_items
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason
from swarm_core.ports import Completion, InferenceError, Reply, Request, RequestFailure
from swarm_core.recipe import ModelName
from swarm_core.text.prompts import PromptStyle, Wording
from swarm_trainer.evaluation.examine import (
    Examination,
    Sampling,
    build_generation_request,
    examine_generator,
    examine_taker,
)
from swarm_trainer.programs.swarm_run import preview

WRITER, GOOD, BAD = (ModelName(digit * 64) for digit in "abc")
JUDGE = ArithmeticJudge()
POOL = build_items(f"{n}+{n + 100}" for n in range(20))


def wrote(text: str) -> Completion:
    return Completion(text, len(text), True)


def exam(rounds: int = 1, held_out: frozenset[Item] = frozenset()) -> Examination:
    return Examination(
        seed=7,
        wording=Wording(PromptStyle.PLAIN, "arithmetic"),
        seeds=ItemIndex(POOL, JUDGE),
        held_out=ItemIndex(held_out, JUDGE),
        shots=2,
        rounds=rounds,
        generation=Sampling(32, 1.0),
        answering=Sampling(8, 0.0),
        takers=(("good", GOOD), ("bad", BAD)),
        judge=JUDGE,
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
    rollout = examine_generator(exam(held_out=frozenset({Item("3+4")})), Scripted(script), WRITER, ("here",), 4)
    assert [item.text for item in rollout.items] == ["1+2"]
    assert rollout.rejected() == {"Duplicate": 1, "Verifiable": 1, "HeldOut": 1}


def test_a_shortfall_is_asked_for_again_and_never_padded() -> None:
    engine = Scripted(numbered(["- 1+2\n", "- 1+2\n", "- 3+4\n", "- 5+6\n"]))
    rollout = examine_generator(exam(rounds=2), engine, WRITER, ("here",), 4)
    assert [item.text for item in rollout.items] == ["1+2", "3+4", "5+6"]
    assert rollout.asked == 8
    assert rollout.rejected() == {"Duplicate": 1, "missing": 4}
    assert sum(request.model == WRITER for request in engine.asked) == 4


def test_a_refused_request_is_lost_without_cost_and_not_sent_again() -> None:
    engine = Scripted(lambda request: RequestFailure("flagged", UnscoredReason.REFUSED))
    rollout = examine_generator(exam(), engine, WRITER, ("here",), 4)
    assert (rollout.asked, rollout.lost, rollout.items) == (4, 4, ())
    assert len(engine.asked) == 2
    assert not rollout.rejected()


def test_an_outage_is_no_measurement() -> None:
    engine = Scripted(lambda request: RequestFailure("connection refused"))
    with pytest.raises(InferenceError, match="connection refused; nothing was stored for this measurement"):
        examine_generator(exam(), engine, WRITER, ("here",), 4)


def test_a_taker_that_cannot_be_asked_leaves_a_missing_score() -> None:
    right = numbered(["- 1+2\n- 3+4\n"])

    def script(request: Request) -> Completion | RequestFailure:
        return RequestFailure("flagged", UnscoredReason.REFUSED) if request.model == BAD else right(request)

    rollout = examine_generator(exam(), Scripted(script), WRITER, ("here",), 2)
    assert [answer.score for answer in rollout.items[0].answers] == [
        1.0,
        Unscored(UnscoredReason.REFUSED, "flagged"),
    ]
    assert rollout.fates() == {"good": {"Scored": 2}, "bad": {"Refused": 2}}


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
        def score(self, item: Item, answer: str, replies: Sequence[Reply]) -> Score:
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


def test_an_item_has_the_number_of_the_completion_that_brought_it_over_all_rounds() -> None:
    engine = Scripted(numbered(["- 1+2\n- 3+4\n", "no list", "- 1+2\n- 5+6\n"]))
    rollout = examine_generator(exam(rounds=2), engine, WRITER, ("here",), 4)
    assert [(one.text, one.item.request) for one in rollout.items] == [("1+2", 0), ("3+4", 0), ("5+6", 2)]
    assert [(one.text, one.gate, one.item.request) for one in rollout.rejections] == [
        ("no list", "parse", 1),
        ("1+2", "Duplicate", 2),
    ]


def test_a_completion_that_failed_keeps_its_number() -> None:
    right = numbered(["- 1+2\n- 3+4\n"])
    first = build_generation_request(exam(), WRITER, ("here", 0, 0))

    def script(request: Request) -> Completion | RequestFailure:
        return RequestFailure("busy", UnscoredReason.REFUSED) if request == first else right(request)

    rollout = examine_generator(exam(), Scripted(script), WRITER, ("here",), 4)
    assert (rollout.asked, rollout.lost) == (4, 2)
    assert [one.item.request for one in rollout.items] == [1, 1]


def test_what_a_data_set_knows_of_an_item_is_never_shown() -> None:
    """Neither to the generator that gets it as an example nor to the taker that answers it."""
    secret = tuple(Item(f"{n}+{n}", reference="4711", choices=("4712", "4713")) for n in range(20))
    engine = Scripted(numbered(["- 1+2\n- 3+4\n", "- 5+6\n- 7+8\n"]))
    examine_generator(replace(exam(), seeds=ItemIndex(secret)), engine, WRITER, ("here",), 4)
    rollout = examine_taker(exam(), engine, GOOD, ("here",), secret[:3])
    assert [one.item for one in rollout.items] == list(secret[:3])
    assert [one.answers[0].score for one in rollout.items] == [1.0] * 3
    assert not any(hidden in request.prompt for request in engine.asked for hidden in ("4711", "4712", "4713"))


@settings(deadline=None, max_examples=60)
@given(items=st.integers(1, 12), shots=st.integers(1, 5), rounds=st.integers(1, 3), seed=st.integers(0, 10_000))
def test_what_validate_promises_is_never_exceeded(items: int, shots: int, rounds: int, seed: int) -> None:
    draw, numbers = random.Random(seed), itertools.count(1)
    acceptance = draw.choice((0.0, 0.5, 0.9, 1.0))

    def script(request: Request) -> Completion | RequestFailure:
        if request.model != WRITER:
            return wrote(" 0")
        texts = [f"{next(numbers)}+{next(numbers)}" if draw.random() < acceptance else "what?" for _ in range(shots)]
        return wrote("".join(f"- {text}\n" for text in texts))

    rollout = examine_generator(replace(exam(rounds), shots=shots), Scripted(script), WRITER, ("here",), items)
    first_round, accepted = preview.limit_items(items, shots, rounds)
    assert first_round <= rollout.asked <= rounds * first_round
    assert len(rollout.items) <= accepted
    assert rollout.asked == first_round or acceptance < 1.0


def test_each_repeat_has_prompts_seeds_and_gates_of_its_own_and_the_first_is_a_measurement_without_repeats() -> None:
    texts = ["- 1+2\n- 3+4\n", "- 1+2\n- 7+8\n"]
    engine, once = Scripted(numbered(texts)), Scripted(numbered(texts))
    rollout = examine_generator(replace(exam(), repeats=2), engine, WRITER, ("here",), 2)
    single = examine_generator(exam(), once, WRITER, ("here",), 2)
    asked = [request for request in engine.asked if request.model == WRITER]
    assert (len(asked), asked[0], once.asked[0]) == (2, once.asked[0], asked[0])
    assert asked[0].prompt != asked[1].prompt
    assert asked[0].seed != asked[1].seed
    assert [one.item.text for one in rollout.items] == ["1+2", "3+4", "1+2", "7+8"]
    assert [(one.repeat, one.number) for one in rollout.requests] == [(0, 0), (1, 0)]
    assert rollout.items[:2] == single.items
