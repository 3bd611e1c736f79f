"""Sequence classifiers of transformers: what they read, and what they are refused for."""

import itertools
import json
from pathlib import Path

import pytest
import tiny_classifiers
import torch

from swarm_core import classification
from swarm_core.blocks.classifier_model import ClassifierModel
from swarm_core.classification import ClassifierNeeds
from swarm_core.errors import BadInputError
from swarm_core.ports import Completion, Reply, Request, RequestFailure
from swarm_core.recipe import ModelName
from swarm_trainer.inference import classifier_checks, sequence_classifier
from swarm_trainer.inference.sequence_classifier import SequenceClassifier
from swarm_trainer.runtime import text_classifiers

NAME = ModelName("classifier")
TEXTS = ("a b", "who is it", "what is a good b", "yes no yes", "c", "a b c 1 2 3 a b c 1 2 3", "it is bad")


def ask(text: str, answer: str | None = None, chat: bool = False) -> Request:
    return classification.build_request(NAME, text, answer, chat)


def load(folder: Path, max_tokens: int | None = None) -> SequenceClassifier:
    return sequence_classifier.load(folder, "float32", "cpu", max_tokens)


def values(reply: Reply) -> tuple[float, ...]:
    assert isinstance(reply, Completion), reply
    assert reply.labels is not None
    return tuple(value for _, value in reply.labels)


@pytest.mark.parametrize("decoder", [False, True], ids=["bert", "llama"])
def test_what_stands_beside_a_text_does_not_change_its_values(tmp_path: Path, decoder: bool) -> None:
    tiny_classifiers.write(tmp_path, ["x", "y"], decoder=decoder)
    classifier = load(tmp_path)
    alone = {text: values(classifier.label([ask(text)])[0]) for text in TEXTS}
    for order in itertools.islice(itertools.permutations(TEXTS), 0, None, 500):
        together = classifier.label([ask(text) for text in order])
        for text, reply in zip(order, together, strict=True):
            assert values(reply) == pytest.approx(alone[text], abs=1e-5)
    assert len({round(first, 3) for first, _ in alone.values()}) == len(TEXTS)


def test_a_pair_has_the_values_that_transformers_gives_it(tmp_path: Path) -> None:
    model = tiny_classifiers.write(tmp_path, ["x", "y", "z"]).eval()
    inputs = tiny_classifiers.build_tokenizer()("who is it", "it is good", return_tensors="pt")
    assert inputs["token_type_ids"].tolist() == [[0, 0, 0, 0, 0, 1, 1, 1, 1]]
    (reply,) = load(tmp_path).label([ask("who is it", "it is good")])
    assert isinstance(reply, Completion)
    assert reply.labels is not None
    assert [name for name, _ in reply.labels] == ["x", "y", "z"]
    with torch.inference_mode():
        assert values(reply) == pytest.approx(model(**inputs).logits[0].tolist(), abs=1e-5)


def test_a_conversation_is_two_turns_of_the_template_with_nothing_after_them(tmp_path: Path) -> None:
    tiny_classifiers.write(tmp_path, ["x"], chat=True)
    classifier = load(tmp_path)
    found = classifier.encode(0, ask("who is it", "a b", chat=True))
    assert classifier.tokenizer.convert_ids_to_tokens(list(found.ids)) == [
        *("<cls>", "user", ":", "who", "is", "it", "<sep>"),
        *("<cls>", "assistant", ":", "a", "b", "<sep>"),
    ]


def test_control_tokens_in_a_text_are_text(tmp_path: Path) -> None:
    tiny_classifiers.write(tmp_path, ["x"])
    classifier = load(tmp_path)
    ids = classifier.encode(0, ask("a <sep> b", "c <cls>")).ids
    tokens = classifier.tokenizer.convert_ids_to_tokens(list(ids))
    assert (tokens.count("<sep>"), tokens.count("<cls>")) == (2, 1)


def test_a_text_that_is_too_long_is_a_failure_and_never_cut(tmp_path: Path) -> None:
    tiny_classifiers.write(tmp_path, ["x"])
    classifier = load(tmp_path, max_tokens=6)
    fits, long = classifier.label([ask("a b c 1"), ask("a b c 1 2")])
    assert isinstance(fits, Completion)
    assert isinstance(long, RequestFailure)
    assert long.message.startswith("7 tokens, and the classifier reads at most 6")
    assert str(long.reason) == "Refused"
    assert load(tmp_path).max_tokens == 32


@pytest.mark.parametrize(
    ("needs", "model", "message"),
    [
        (ClassifierNeeds("x"), {}, ""),
        (ClassifierNeeds("toxic"), {}, "label 'toxic': the classifier has 'x', 'y'; name one of them"),
        (ClassifierNeeds(None), {}, "it has 2 outputs, and a reward model has one"),
        (ClassifierNeeds("x", multi_label=True), {}, "multiLabel: the classifier gives one label at a time"),
        (ClassifierNeeds("x", chat=True), {}, "it has no chat template, which input Chat needs"),
        (ClassifierNeeds("x"), {"max_tokens": 33}, "maxTokens 33: the classifier reads at most 32 tokens; lower it"),
    ],
)
def test_a_classifier_that_is_not_what_its_part_needs_is_refused(
    tmp_path: Path, needs: ClassifierNeeds, model: dict[str, int], message: str
) -> None:
    tiny_classifiers.write(tmp_path, ["x", "y"], problem_type="single_label_classification")
    block = ClassifierModel(uri="c", **{"max_tokens": 32, **model})
    if not message:
        return text_classifiers.check_classifier(tmp_path, block, needs)
    with pytest.raises(BadInputError, match=message):
        text_classifiers.check_classifier(tmp_path, block, needs)
    return None


def test_a_model_without_the_weights_of_its_head_is_refused(tmp_path: Path) -> None:
    model = tiny_classifiers.write(tmp_path, ["x"])
    model.bert.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    for architectures, message in (
        (["BertForSequenceClassification"], "has no weights for 2 tensors"),
        (["BertModel"], "is a BertModel"),
    ):
        (tmp_path / "config.json").write_text(json.dumps({**config, "architectures": architectures}))
        with pytest.raises(BadInputError, match=message):
            text_classifiers.check_classifier(tmp_path, ClassifierModel(uri="c"), ClassifierNeeds("x"))


@pytest.mark.parametrize("labels", [{"0": "x", "1": "x"}, {"0": "x", "5": "y"}, {"0": "x", "1": 1}])
def test_a_classifier_whose_outputs_have_no_names_of_their_own_is_refused(
    tmp_path: Path, labels: dict[str, object]
) -> None:
    tiny_classifiers.write(tmp_path, ["x", "y"])
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "id2label": labels}))
    with pytest.raises(BadInputError, match=r"id2label of its config.json is .*; give each output from 0 to 1 a name"):
        classifier_checks.inspect(tmp_path)


def test_a_folder_without_a_tokenizer_is_refused_because_all_words_would_be_unknown(tmp_path: Path) -> None:
    tiny_classifiers.write(tmp_path, ["x", "y"])
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "tokenizer_config.json").unlink()
    with pytest.raises(BadInputError, match=r"no tokenizer \(.*tokenizer.json.*\); give the model with its tokenizer"):
        classifier_checks.inspect(tmp_path)
