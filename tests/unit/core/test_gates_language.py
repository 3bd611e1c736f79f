"""The gate Language, with the labels of a classifier that a test gives."""

import pytest

from swarm_core.gates.language import LANGUAGES, LanguageGate
from swarm_core.items import Item
from swarm_core.ports import Completion, Reply, RequestFailure, Undecided

ITEM = Item("Who wrote it?")
ENGLISH = LanguageGate(("en",))


def labels(**values: float) -> list[Reply]:
    return [Completion("", 0, finished=True, labels=tuple(values.items()))]


@pytest.mark.parametrize(
    ("values", "rejected"),
    [
        ({"en": 0.9, "de": 0.1}, False),
        ({"en": 0.1, "de": 0.9}, True),
        ({"en": 0.0, "de": 0.2}, True),
        ({"en": 0.0, "de": 0.19}, False),
        ({"en": 0.25, "de": 0.75}, False),
        ({"en": 0.125, "de": 0.5}, True),
        ({"en": 0.126, "de": 0.5}, False),
    ],
)
def test_an_item_is_rejected_if_another_language_is_likely_and_much_likelier(
    values: dict[str, float], rejected: bool
) -> None:
    assert (ENGLISH.refusal(ITEM, labels(**values)) is not None) is rejected


def test_a_rejection_names_the_languages() -> None:
    found = ENGLISH.refusal(ITEM, labels(en=0.1, de=0.3, fr=0.6))
    assert found == "is in language 'fr' (probability 0.60), and not in en"


def test_the_named_languages_count_together() -> None:
    gate = LanguageGate(("en", "de"))
    assert gate.refusal(ITEM, labels(en=0.1, de=0.1, fr=0.79)) is None
    assert gate.refusal(ITEM, labels(en=0.1, de=0.09, fr=0.81)) is not None


def test_a_classifier_that_fails_decides_nothing() -> None:
    assert ENGLISH.refusal(ITEM, [RequestFailure("gone")]) == Undecided("gone")
    assert isinstance(ENGLISH.refusal(ITEM, [Completion("en", 1, finished=True)]), Undecided)
    assert isinstance(ENGLISH.refusal(ITEM, labels(en=float("nan"))), Undecided)


@pytest.mark.parametrize(
    "text",
    ["97×98=?", "f(x)=2x+3, f(5)=?", r"\frac{1}{2}+\frac{1}{3}", "sin x + cos x = 1", "10 km / 2 h", "VII + IX",
     "E=mc^2", "A, C, E, G, ?", "3, 6, 12, ?", ""],
)  # fmt: skip
def test_an_item_without_words_is_admitted_and_nobody_is_asked(text: str) -> None:
    assert ENGLISH.requests(Item(text)) == ()
    assert ENGLISH.refusal(Item(text), ()) is None


@pytest.mark.parametrize("text", ["Solve: 2x+3=7", "大?", "Кто это?", "Was ist 3 mal 4?", "sin x = 0. Find x."])
def test_the_whole_text_of_an_item_with_words_is_asked_about(text: str) -> None:
    (request,) = ENGLISH.requests(Item(text))
    assert request.prompt == text


def test_every_language_has_a_code_of_two_letters_and_stands_there_once() -> None:
    assert {len(code) for code in LANGUAGES} == {2}
    assert len(set(LANGUAGES)) == len(LANGUAGES)
