"""Classifiers: models on the host's machine that label a text, or a text with an answer, and write nothing.

A part that needs one asks it as it would ask any model. Its request has the text as `prompt` (`build_request`), and the
reply has no text but `labels`: every label of the classifier with its value. The values of a sequence classifier are
its raw outputs (logits). Those of the language identifier are probabilities.

A text that is longer than the classifier reads is a `RequestFailure`. It is never cut.

Limits: it labels nothing itself. The host has the classifiers (`swarm_trainer.inference.classifiers`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from swarm_core.blocks.classifier_model import ClassifierModel
from swarm_core.ports import Completion, Reply, Request, RequestFailure
from swarm_core.recipe import ModelName, canonical_json, digest_bytes

LANGUAGE_IDENTIFIER = ModelName("language identifier")
"""The name of the classifier whose labels are the ISO 639 codes of languages."""


@dataclass(frozen=True, slots=True)
class ClassifierNeeds:
    """What a part needs of its classifier. A part that asks one has it as `classifier_needs`."""

    label: str | None
    """The label that the part reads; None for the only one of a classifier that has no others."""
    chat: bool = False
    """Whether requests are conversations in the classifier's chat template."""
    multi_label: bool | None = None
    """Whether several labels can be true of one text; None if the part does not mind."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What a classifier says of a text."""

    values: tuple[tuple[str, float], ...]
    """Every label with its value, which is finite, in the classifier's order."""

    def find(self, name: str) -> float | None:
        """Return the value of one label; None if the classifier has no such label."""
        return dict(self.values).get(name)


def name_classifier(model: ClassifierModel) -> ModelName:
    """Return the name of a classifier of the spec, by which requests ask it.

    Parts that give one model another length or number format ask another classifier.
    """
    return ModelName(digest_bytes(canonical_json(["classifier", model.uri, model.max_tokens, model.dtype])))


def build_request(model: ModelName, text: str, answer: str | None = None, chat: bool = False) -> Request:
    """Return the request to label `text`, together with an answer to it if there is one.

    With `chat`, both are turns of a conversation in the chat template of the classifier.
    """
    return Request(model, text, max_tokens=1, temperature=0.0, seed=0, chat=chat, answer=answer)


def read_labels(replies: Sequence[Reply]) -> Labels | str:
    """Return the labels in the one reply of a classifier; the reason if there are none, or if a value is not finite."""
    (reply,) = replies
    if isinstance(reply, RequestFailure):
        return reply.message
    assert isinstance(reply, Completion)
    if reply.labels is None:
        return "the classifier gave no labels"
    broken = [name for name, value in reply.labels if not isfinite(value)]
    if broken:
        return f"the classifier gave {broken[0]!r} a value that is not finite"
    return Labels(reply.labels)
