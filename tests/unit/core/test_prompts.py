"""What models are asked, word for word where the words matter."""

import pytest

from swarm_core.text import prompts
from swarm_core.text.prompts import Style


def test_a_plain_generator_continues_the_list_it_is_shown() -> None:
    assert prompts.generation(Style.PLAIN, "arithmetic", ["1+2", "3+4"]) == "- 1+2\n- 3+4\n"


def test_a_chat_generator_is_told_the_domain_and_asked_for_as_many_as_it_is_shown() -> None:
    prompt = prompts.generation(Style.CHAT, "graph reasoning", ["a", "b", "c"])
    assert "graph reasoning" in prompt
    assert "Write 3 more" in prompt
    assert prompt.endswith("1. a\n2. b\n3. c\n")


@pytest.mark.parametrize("style", Style)
def test_a_generator_is_asked_in_the_words_it_was_trained_on(style: Style) -> None:
    prompt, completion = prompts.training_pair(style, "arithmetic", ["1+2"], ["3+4"])
    assert prompt == prompts.generation(style, "arithmetic", ["1+2"])
    assert completion == prompts.listed(style, ["3+4"])


def test_a_plain_taker_is_trained_on_question_and_answer_as_one_text() -> None:
    assert prompts.answering(Style.PLAIN, "1+2") + prompts.answer(Style.PLAIN, "3") == "Q: 1+2\nA: 3"


def test_a_chat_taker_is_asked_the_item_and_nothing_else() -> None:
    assert prompts.answering(Style.CHAT, "What is 1+2?") == "What is 1+2?"
    assert prompts.answer(Style.CHAT, "3") == "3"


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("item", ["{item}", "{", "{0} and {count}", "%s"])
def test_braces_in_items_stay_as_they_are(style: Style, item: str) -> None:
    assert item in prompts.generation(style, "{domain}", [item])
    assert item in prompts.answering(style, item)
    assert item in prompts.answer(style, item)
