"""What models are asked, word for word where the words matter."""

import pytest

from swarm_core.text import prompts
from swarm_core.text.prompts import PromptStyle, PromptTexts, Wording


def test_a_plain_generator_continues_the_list_it_is_shown() -> None:
    assert prompts.format_generation(Wording(PromptStyle.PLAIN, "arithmetic"), ["1+2", "3+4"]) == "- 1+2\n- 3+4\n"


def test_a_chat_generator_is_told_the_domain_and_asked_for_as_many_as_it_is_shown() -> None:
    prompt = prompts.format_generation(Wording(PromptStyle.CHAT, "graph reasoning"), ["a", "b", "c"])
    assert "graph reasoning" in prompt
    assert "Write 3 more" in prompt
    assert prompt.endswith("1. a\n2. b\n3. c\n")


@pytest.mark.parametrize("style", PromptStyle)
def test_a_generator_is_asked_in_the_words_it_was_trained_on(style: PromptStyle) -> None:
    prompt, completion = prompts.format_training_pair(Wording(style, "arithmetic"), ["1+2"], ["3+4"])
    assert prompt == prompts.format_generation(Wording(style, "arithmetic"), ["1+2"])
    assert completion == prompts.format_list(style, ["3+4"])


def test_a_plain_taker_is_trained_on_question_and_answer_as_one_text() -> None:
    question = prompts.format_answering(Wording(PromptStyle.PLAIN, "sums"), "1+2")
    assert question + prompts.format_answer(PromptStyle.PLAIN, "3") == "Q: 1+2\nA: 3"


def test_a_chat_taker_is_asked_the_item_and_nothing_else() -> None:
    assert prompts.format_answering(Wording(PromptStyle.CHAT, "sums"), "What is 1+2?") == "What is 1+2?"
    assert prompts.format_answer(PromptStyle.CHAT, "3") == "3"


@pytest.mark.parametrize("style", PromptStyle)
@pytest.mark.parametrize("item", ["{item}", "{", "{0} and {count}", "%s"])
def test_braces_in_items_stay_as_they_are(style: PromptStyle, item: str) -> None:
    assert item in prompts.format_generation(Wording(style, "{domain}"), [item])
    assert item in prompts.format_answering(Wording(style, "sums"), item)
    assert item in prompts.format_answer(style, item)


OWN = PromptTexts("{count} on {domain}, as {json}:\n{examples}", "You write tests.", "On {domain}: {item}\nAnswer:")


def test_the_words_of_a_spec_replace_those_of_the_style_and_the_list_stays() -> None:
    wording = Wording(PromptStyle.CHAT, "sums", OWN)
    assert prompts.format_generation(wording, ["1+2", "3+4"]) == "2 on sums, as {json}:\n1. 1+2\n2. 3+4\n"
    assert prompts.format_answering(wording, "1+2") == "On sums: 1+2\nAnswer:"
    assert prompts.format_training_pair(wording, ["1+2"], ["3+4"])[0] == prompts.format_generation(wording, ["1+2"])


def test_placeholders_in_items_and_domains_are_not_filled() -> None:
    wording = Wording(PromptStyle.PLAIN, "{examples}", OWN)
    assert prompts.format_generation(wording, ["{count}"]) == "1 on {examples}, as {json}:\n- {count}\n"
    assert prompts.format_answering(wording, "{domain}") == "On {examples}: {domain}\nAnswer:"
