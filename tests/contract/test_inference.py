"""What every inference engine must do, and the fake that stands for one in other tests."""

import dataclasses
from collections.abc import Sequence

import pytest

from swarm_core.ports import Completion, Inference, InferenceError, Request, RequestFailure
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


def test_a_model_that_is_not_served_is_an_error(engine: Inference, recipes: Recipes) -> None:
    stranger = Request(ModelName("0" * 64), "1", 1, 0.0, 1)
    with pytest.raises(InferenceError, match="0000: not served"):
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
