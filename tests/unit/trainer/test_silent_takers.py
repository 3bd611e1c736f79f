"""A taker that moves gains nothing by silence: no answer, one without an end, or one that no judge can read."""

from collections.abc import Callable

import pytest
from arithmetic_stand_ins import MEDIUM, ask_sum, finish, is_judgment, read_material
from cheating_generators import COVERAGE, HONEST, World, build_examination
from known_cheats import babble, cut_off, refuse, think_alone

from swarm_core.composition import Single
from swarm_core.items import build_items
from swarm_core.objectives.accuracy import Accuracy
from swarm_core.ports import Reply, Request
from swarm_trainer.evaluation import examine
from swarm_trainer.evaluation.evaluator import Evaluator

ITEMS = [ask_sum(place) for place in range(20)]
React = Callable[[Request, Reply], Reply]
HARD = next(text for text in (ask_sum(place, 4) for place in range(100, 200)))


def measure(react: React, hard: int) -> float | None:
    """The accuracy of a taker whose answers to the `hard` items that it cannot do are what `react` makes of them."""
    texts = [*ITEMS[hard:], *(ask_sum(place, 4) for place in range(100, 100 + hard))]
    exam, world = build_examination(HONEST, 1), World(HONEST, "whole")
    hopeless = texts[len(ITEMS) - hard :]

    def script(request: Request) -> Reply:
        reply = world.reply(request)
        return react(request, reply) if any(text in request.prompt for text in hopeless) else reply

    world.script = script
    rollout = examine.examine_taker(exam, world, MEDIUM, ("here",), build_items(texts))
    evaluator = Evaluator(exam, (("Accuracy", Accuracy()),), Single("Accuracy"), COVERAGE)
    return evaluator.compose(evaluator.measure([rollout], "taker"), {})


def of_taker(react: React) -> React:
    return lambda request, reply: react(request, reply) if request.model == MEDIUM else reply


def of_judge(react: React) -> React:
    return lambda request, reply: react(request, reply) if is_judgment(request) else reply


SILENCES: dict[str, React] = {
    "a blank answer": of_taker(lambda request, reply: finish(" \n")),
    "an answer without an end": of_taker(cut_off),
    "thinking without an answer": of_taker(think_alone),
    "an answer that nobody can read": of_taker(babble),
    "an answer that the server refuses": of_taker(refuse),
    "an answer that the judge's server refuses": of_judge(refuse),
    "an answer that cuts off the judge": of_judge(cut_off),
    "an answer that makes the judge babble": of_judge(babble),
}


@pytest.mark.parametrize("hard", [1, 8])
@pytest.mark.parametrize("silence", SILENCES)
def test_silence_on_the_hardest_items_is_worth_no_more_than_a_wrong_answer(silence: str, hard: int) -> None:
    wrong, silent = measure(lambda _, reply: reply, hard), measure(SILENCES[silence], hard)
    assert wrong is not None
    assert silent is None or silent <= wrong


def test_the_judge_gives_a_wrong_answer_the_lowest_mark() -> None:
    exam, world = build_examination(HONEST, 1), World(HONEST, "whole")
    rollout = examine.examine_taker(exam, world, MEDIUM, ("here",), build_items([HARD]))
    assert [answer.score for answer in rollout.items[0].answers] == [0.1]
    assert any(is_judgment(one) and read_material(one.prompt, "query") == HARD for one in world.asked)
