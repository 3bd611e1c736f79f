"""Several texts of one request: the first is the one that it has alone, and each has a seed of its own."""

import dataclasses

from swarm_core.ports import Completion, Request, RequestFailure, TokenLogprob
from swarm_core.recipe import ModelName
from swarm_trainer.inference import choices

REQUEST = Request(ModelName("m"), "1+1=", 4, 1.0, seed=7)
SEVERAL = dataclasses.replace(REQUEST, n=3, logprobs=2)


def test_a_request_for_one_text_stays_the_very_same() -> None:
    assert choices.expand([REQUEST])[0] is REQUEST


def test_every_text_is_a_request_of_its_own_and_the_first_keeps_the_seed() -> None:
    first, *others = choices.expand([SEVERAL])
    assert first == dataclasses.replace(REQUEST, logprobs=2)
    assert [dataclasses.replace(other, seed=7) for other in others] == [REQUEST] * 2
    neighbor = choices.expand([dataclasses.replace(SEVERAL, seed=8)])
    assert len({request.seed for request in (first, *others, *neighbor)}) == 6


def test_at_temperature_zero_one_text_is_generated_and_repeated() -> None:
    greedy = dataclasses.replace(SEVERAL, temperature=0.0)
    assert len(choices.expand([greedy])) == 1
    assert choices.join([greedy], [Completion("2", 2, True)]) == [Completion("2", 2, True, ("2", "2"))]


def test_results_are_joined_in_the_order_of_the_requests() -> None:
    scores = (TokenLogprob("a", -1.0),)
    texts = [Completion("x", 1, True), Completion("a", 2, True, (), scores), Completion("b", 3, True)]
    cut = Completion("c", 4, False)
    assert choices.join([REQUEST, SEVERAL], [*texts, cut]) == [texts[0], Completion("a", 9, False, ("b", "c"), scores)]


def test_a_request_fails_if_one_of_its_texts_failed() -> None:
    written, failed = Completion("a", 2, True), RequestFailure("no")
    assert choices.join([SEVERAL, REQUEST], [written, failed, written, written]) == [failed, written]
