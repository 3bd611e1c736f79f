"""What every inference engine must do, and the fake that stands for one in other tests."""

import dataclasses
from collections.abc import Sequence

import pytest

from swarm_core.ports import Completion, Inference, InferenceError, Request, RequestFailure, Turn
from swarm_core.recipe import ModelName, Recipe

Recipes = tuple[Recipe, ...]


def requests(recipes: Recipes, count: int, temperature: float = 1.0, **changes: object) -> list[Request]:
    """`count` different requests, to every recipe in turn, of different lengths."""
    return [
        dataclasses.replace(
            Request(recipes[n % len(recipes)].name, f"{n}+{n * n}=", 6 + n % 7, temperature, seed=n), **changes
        )
        for n in range(count)
    ]


def texts(results: Sequence[Completion | RequestFailure]) -> list[str]:
    assert all(isinstance(result, Completion) for result in results)
    return [result.text for result in results if isinstance(result, Completion)]


def test_nothing_asked_is_nothing_answered(engine: Inference) -> None:
    assert engine.complete([]) == []


def test_answers_keep_the_order_of_the_requests(engine: Inference, recipes: Recipes) -> None:
    asked = requests(recipes, 20)
    forward = engine.complete(asked)
    assert engine.complete(asked[::-1]) == forward[::-1]
    assert len(set(texts(forward))) > 10


@pytest.mark.parametrize("temperature", [0.0, 1.0], ids=["greedy", "sampled"])
def test_an_answer_does_not_depend_on_the_requests_beside_it(
    engine: Inference, recipes: Recipes, temperature: float
) -> None:
    # Engines may differ by rounding between batches; a token flips only where two are as likely to within about 1e-6
    # (float32), which 50 requests of about ten tokens meet with a probability below 1 in 1,000. The seeds are fixed.
    asked = requests(recipes, 50, temperature)
    together = engine.complete(asked)
    assert [engine.complete([request])[0] for request in asked] == together


def test_the_same_list_gives_the_same_results(engine: Inference, recipes: Recipes) -> None:
    asked = requests(recipes, 20)
    assert engine.complete(asked) == engine.complete(asked)


def test_other_seeds_write_other_texts(engine: Inference, recipes: Recipes) -> None:
    asked = [Request(recipes[0].name, "12+3=", 12, 1.0, seed) for seed in range(10)]
    assert len(set(texts(engine.complete(asked)))) == 10


def test_at_temperature_zero_the_seed_has_no_effect(engine: Inference, recipes: Recipes) -> None:
    asked = [Request(recipes[1].name, "12+3=", 12, 0.0, seed) for seed in range(5)]
    assert len(set(texts(engine.complete(asked)))) == 1


def test_other_models_write_other_texts(engine: Inference, recipes: Recipes) -> None:
    asked = [Request(recipe.name, "12+3=", 12, 0.0, 1) for recipe in recipes]
    assert len(set(texts(engine.complete(asked)))) == len(recipes)


def test_a_text_ends_before_the_first_stop(engine: Inference, recipes: Recipes) -> None:
    asked = requests(recipes, 20, max_tokens=12)
    free = texts(engine.complete(asked))
    asked = [request for request, text in zip(asked, free, strict=True) if len(text) > 6]
    free = [text for text in free if len(text) > 6]
    assert len(free) > 10
    for wanted in (1, 2):
        stops = [(text[4 : 4 + wanted], "never written") for text in free]
        stopped = engine.complete([dataclasses.replace(r, stop=s) for r, s in zip(asked, stops, strict=True)])
        for text, (stop, _), result in zip(free, stops, stopped, strict=True):
            assert stop
            assert isinstance(result, Completion)
            assert result.text == text[: text.index(stop)]
            assert result.finished
            assert result.tokens >= len(result.text) + len(stop)


def test_no_more_tokens_are_written_than_asked_for(engine: Inference, recipes: Recipes) -> None:
    results = engine.complete(requests(recipes, 30))
    for n, result in enumerate(results):
        assert isinstance(result, Completion)
        assert 1 <= result.tokens <= 6 + n % 7
        assert result.finished or result.tokens == 6 + n % 7


def test_a_longer_text_begins_with_the_shorter_one(engine: Inference, recipes: Recipes) -> None:
    asked = requests(recipes, 10, max_tokens=5)
    short, long = (texts(engine.complete([dataclasses.replace(r, max_tokens=n) for r in asked])) for n in (5, 15))
    assert all(after.startswith(before) for before, after in zip(short, long, strict=True))


def test_a_prompt_that_is_too_long_fails_alone(engine: Inference, recipes: Recipes) -> None:
    good, long = requests(recipes, 1)[0], Request(recipes[0].name, "1" * 80, 8, 0.0, 1)
    first, failed, last = engine.complete([good, long, good])
    assert isinstance(failed, RequestFailure)
    assert failed.message
    assert first == last
    assert isinstance(first, Completion)


def test_a_chat_turn_is_not_the_plain_text(engine: Inference, recipes: Recipes) -> None:
    plain = Request(recipes[0].name, "12+3=", 12, 0.0, 1)
    one, two = texts(engine.complete([plain, dataclasses.replace(plain, chat=True)]))
    assert one != two


def test_system_text_and_earlier_turns_change_the_answer_of_a_chat(engine: Inference, recipes: Recipes) -> None:
    plain = Request(recipes[0].name, "12+3=", 12, 0.0, 1, chat=True)
    earlier = (Turn("user", "1+1="), Turn("assistant", "2"))
    asked = [
        plain,
        dataclasses.replace(plain, system="sum"),
        dataclasses.replace(plain, turns=earlier),
        dataclasses.replace(plain, system="sum", turns=earlier),
    ]
    assert len(set(texts(engine.complete(asked)))) == len(asked)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"system": "sum"}, "set chat"),
        ({"turns": (Turn("user", "1"), Turn("assistant", "2"))}, "set chat"),
        ({"n": 0}, "n 0"),
        ({"top_p": 0.0}, "top_p 0.0"),
        ({"top_p": 1.1}, "top_p 1.1"),
        ({"logprobs": -1}, "logprobs -1"),
    ],
    ids=str,
)
def test_fields_that_no_engine_can_satisfy_fail_alone(
    engine: Inference, recipes: Recipes, more: dict[str, object], message: str
) -> None:
    good = Request(recipes[0].name, "12+3=", 12, 1.0, 1)
    first, failed = engine.complete([good, dataclasses.replace(good, **more)])
    assert isinstance(first, Completion)
    assert isinstance(failed, RequestFailure)
    assert message in failed.message


def test_a_nucleus_of_all_tokens_is_no_nucleus(engine: Inference, recipes: Recipes) -> None:
    asked = requests(recipes, 20)
    beside = [dataclasses.replace(request, top_p=0.5) for request in asked]
    free = engine.complete(asked)
    assert engine.complete([dataclasses.replace(request, top_p=1.0) for request in asked]) == free
    assert engine.complete([*asked, *beside])[: len(asked)] == free


def test_a_nucleus_of_one_token_is_greedy(engine: Inference, recipes: Recipes) -> None:
    greedy = engine.complete(requests(recipes, 20, temperature=0.0))
    assert engine.complete(requests(recipes, 20, top_p=1e-6)) == greedy


def test_further_texts_come_beside_the_one_that_is_written_alone(engine: Inference, recipes: Recipes) -> None:
    asked = requests(recipes, 9, max_tokens=12)
    alone = engine.complete(asked)
    several = engine.complete([dataclasses.replace(request, n=4) for request in asked])
    different = 0
    for one, result in zip(alone, several, strict=True):
        assert isinstance(one, Completion)
        assert isinstance(result, Completion)
        assert result.text == one.text
        assert len(result.alternatives) == 3
        assert result.tokens >= one.tokens + 3
        different += len({result.text, *result.alternatives})
    assert different > 3 * len(asked), "a model may write one text under two seeds, but not often"
    assert engine.complete([dataclasses.replace(asked[3], n=4)]) == several[3:4]


def test_further_texts_at_temperature_zero_are_equal(engine: Inference, recipes: Recipes) -> None:
    [result] = engine.complete([Request(recipes[1].name, "12+3=", 12, 0.0, 1, n=3)])
    assert isinstance(result, Completion)
    assert result.alternatives == (result.text, result.text)


@pytest.mark.parametrize("temperature", [0.0, 1.0], ids=["greedy", "sampled"])
def test_every_token_has_its_probability_and_the_likeliest_beside_it(
    engine: Inference, recipes: Recipes, temperature: float
) -> None:
    asked = requests(recipes, 9, temperature)
    plain = engine.complete(asked)
    for count in (0, 3):
        scored = engine.complete([dataclasses.replace(request, logprobs=count) for request in asked])
        for one, result in zip(plain, scored, strict=True):
            assert isinstance(result, Completion)
            assert result.logprobs is not None
            assert dataclasses.replace(result, logprobs=None) == one
            assert len(result.logprobs) == result.tokens
            for token in result.logprobs:
                values = [value for _, value in token.top]
                assert len(values) == count
                assert values == sorted(values, reverse=True)
                assert token.logprob <= max(values, default=0.0) + 1e-9
                assert temperature > 0 or not values or token.logprob == pytest.approx(values[0])


def test_an_answer_that_was_not_asked_for_more_has_no_more(engine: Inference, recipes: Recipes) -> None:
    for result in engine.complete(requests(recipes, 6)):
        assert isinstance(result, Completion)
        assert result.alternatives == ()
        assert result.logprobs is None


def test_a_model_that_is_not_served_is_an_error(engine: Inference, recipes: Recipes) -> None:
    stranger = Request(ModelName("0" * 64), "1", 1, 0.0, 1)
    with pytest.raises(InferenceError, match="0000: this model is not served"):
        engine.complete([requests(recipes, 1)[0], stranger])


def test_what_is_no_longer_live_is_not_answered(engine: Inference, recipes: Recipes) -> None:
    engine.serve(recipes[:1])
    with pytest.raises(InferenceError, match="not served"):
        engine.complete([Request(recipes[1].name, "1", 1, 0.0, 1)])
    engine.serve(recipes)
    assert texts(engine.complete([Request(recipes[1].name, "1", 1, 0.0, 1)]))


def test_closing_twice_is_closing_once(engine: Inference, recipes: Recipes) -> None:
    engine.close()
    engine.close()
    with pytest.raises(InferenceError):
        engine.complete(requests(recipes, 1))
