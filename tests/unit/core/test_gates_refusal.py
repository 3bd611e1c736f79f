"""Texts in which a model refuses to write an item, and items that look like them."""

import pytest

from swarm_core.gates.refusal_gate import RefusalGate
from swarm_core.items import Item


@pytest.mark.parametrize(
    "text",
    [
        "I’m sorry, but I can’t help with that.",
        "I am really sorry, but I cannot",
        "As an AI language model, I cannot write such a question.",
        "**I'm sorry**, but as an AI I can't create it",
        "I'm just an AI, I don't have access to that.",
        "I cannot provide a question about this topic.",
        "I am unable to generate that.",
        "I apologize, but I cannot fulfill this request.",
        "My apologies, but I won't write that.",
        "Sorry — I can’t help you with this",
        "Unfortunately, I cannot create such content.",
        "I must decline to answer.",
        "I can't in good conscience help with this.",
    ],
)
def test_a_refusal_is_rejected(text: str) -> None:
    found = RefusalGate().refusal(Item(text))
    assert found == f"refuses to write an item: {text!r}"


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry I am late. What polite form is this?",
        "I cannot find my keys. How many rooms must I search?",
        "I can't swim 3 km. How far can I swim?",
        "As an AI grows, how does its loss change?",
        "As an artificial satellite orbits, what pulls it?",
        "Why does a model say 'I cannot help with that'?",
        "Sorry is a card game. How many players can play?",
        "I am afraid of 3 dogs and 4 cats. How many animals am I afraid of?",
        "12+34",
        "",
    ],
)
def test_an_item_with_such_words_is_admitted(text: str) -> None:
    assert RefusalGate().refusal(Item(text)) is None
