"""Classifiers in this process: the language identifier, and the engine that answers for them."""

import pytest
from scripted_engine import Scripted

from swarm_core import classification
from swarm_core.blocks.classifier_model import ClassifierModel
from swarm_core.classification import LANGUAGE_IDENTIFIER
from swarm_core.gates.admission import admit
from swarm_core.gates.language import LANGUAGES, LanguageGate
from swarm_core.items import Item, build_items
from swarm_core.ports import Completion, InferenceError, Reply, Request, RequestFailure
from swarm_core.recipe import ModelName
from swarm_trainer.evaluation.completions import Asker
from swarm_trainer.inference import request_checks
from swarm_trainer.inference.classifiers import Classifiers, ClassifyingInference
from swarm_trainer.inference.language_identifier import LanguageIdentifier

OTHER = Request(ModelName("writer"), "a?", max_tokens=4, temperature=0.0, seed=0)
IDENTIFIER = LanguageIdentifier()
QUESTIONS = {
    "en": "How many legs does a spider have?",
    "de": "Wie viele Beine hat eine Spinne?",
    "fr": "Combien de pattes a une araignée ?",
    "es": "¿Cuántas patas tiene una araña?",
    "tr": "Bir örümceğin kaç bacağı vardır?",
    "ru": "Сколько ног у паука?",
    "zh": "蜘蛛有几条腿？",
    "ar": "كم عدد أرجل العنكبوت؟",
}


class Echo:
    """A classifier that counts the texts that it labels at one time."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def label(self, requests: list[Request]) -> list[Reply]:
        self.calls.append(len(requests))
        return [Completion("", 0, finished=True, labels=((one.prompt, 1.0),)) for one in requests]


def test_the_identifier_knows_the_languages_that_specs_may_name() -> None:
    assert {label for label in IDENTIFIER.model.labels if len(label) == 2} == set(LANGUAGES)


def test_the_identifier_gives_each_language_a_probability() -> None:
    (reply,) = IDENTIFIER.label([classification.build_request(LANGUAGE_IDENTIFIER, QUESTIONS["de"])])
    assert isinstance(reply, Completion)
    assert reply.labels is not None
    values = dict(reply.labels)
    assert max(values, key=lambda name: values[name]) == "de"
    assert sum(values.values()) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("language", QUESTIONS)
def test_the_gate_admits_the_named_language_and_rejects_all_others(language: str) -> None:
    engine = ClassifyingInference(None, Classifiers({LANGUAGE_IDENTIFIER: lambda: IDENTIFIER}))
    items = build_items([*QUESTIONS.values(), "97*98=?"])
    found = admit(items, [LanguageGate((language,))], Asker(engine))
    assert found.accepted == (Item(QUESTIONS[language]), Item("97*98=?"))


def test_requests_to_classifiers_go_to_them_and_all_others_to_the_engine_in_order() -> None:
    own, echo = Scripted(lambda _: Completion("b", 1, finished=True)), Echo()
    loads: list[int] = []

    def load() -> Echo:
        loads.append(1)
        return echo

    name = classification.name_classifier(ClassifierModel(uri="models/a"))
    engine = ClassifyingInference(own, Classifiers({name: load}))
    assert loads == []
    asked = [classification.build_request(name, "x"), OTHER, classification.build_request(name, "y")]
    for _ in range(2):
        replies = engine.complete(asked)
        assert [reply.labels for reply in replies if isinstance(reply, Completion)] == [
            (("x", 1.0),),
            None,
            (("y", 1.0),),
        ]
    assert (loads, echo.calls, own.asked) == ([1], [2, 2], [OTHER, OTHER])


def test_a_model_that_writes_is_an_outage_where_there_is_no_engine() -> None:
    with pytest.raises(InferenceError, match="writer cannot be asked"):
        ClassifyingInference(None, Classifiers({})).complete([OTHER])


def test_a_model_that_writes_takes_no_answer() -> None:
    wrong = classification.build_request(ModelName("writer"), "a?", answer="b")
    assert (request_checks.find_field_error(wrong) or "").startswith("answer: only a classifier")


def test_labels_that_are_missing_or_not_finite_are_no_labels() -> None:
    assert classification.read_labels([RequestFailure("too long")]) == "too long"
    assert classification.read_labels([Completion("a", 1, finished=True)]) == "the classifier gave no labels"
    broken = Completion("", 0, finished=True, labels=(("a", 1.0), ("b", float("inf"))))
    assert classification.read_labels([broken]) == "the classifier gave 'b' a value that is not finite"
