"""The gate that rejects items to which a classifier gives a label, such as `toxic` or `refusal`.

The classifier is any sequence classifier of Hugging Face transformers. The probability of the label is the softmax of
its outputs, or the sigmoid of the label's own output if the classifier has one label only or gives several at a time
(`multiLabel`). An item that is too long for the classifier is undecided: it costs as much as a rejected one
(`gates.admission.UNDECIDED`). The probability is stored beside each accepted item.

Limits: it reads the text of an item, and not its choices or its reference. The probabilities of a classifier need not
be calibrated for generated text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, fsum
from typing import Any, ClassVar

from pydantic import Field

from swarm_core import classification
from swarm_core.blocks.classifier_model import ClassifierModel
from swarm_core.blocks.scalars import Flag, Line, Number
from swarm_core.blocks.settings import Settings
from swarm_core.classification import ClassifierNeeds, Labels
from swarm_core.gates.gate_context import GateContext
from swarm_core.items import Item
from swarm_core.portable_math import sigmoid
from swarm_core.ports import Reply, Request, Undecided
from swarm_core.recipe import ModelName


class ClassifierSettings(Settings):
    """The classifier, and the label whose items are rejected."""

    model: ClassifierModel
    """The classifier."""
    label: Line
    """Label whose items are rejected, by its name in the configuration of the classifier (id2label)."""
    threshold: Number = Field(0.5, gt=0, le=1)
    """Least probability of the label for an item to be rejected, above 0 and at most 1."""
    multi_label: Flag = False
    """Whether the classifier can give several labels to one text. Each label then has a probability of its own."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"model": {"uri": "models/toxicity"}, "label": "toxic", "threshold": 0.8, "multiLabel": True},
        {"model": {"uri": "models/refusal", "maxTokens": 256, "dtype": "bfloat16"}, "label": "LABEL_1"},
    )


@dataclass(frozen=True, slots=True)
class ClassifierGate:
    """Rejects items to which a classifier gives a label, such as toxic."""

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "Classifier"
    settings: ClassVar[type[ClassifierSettings]] = ClassifierSettings

    model: ModelName
    label: str
    threshold: float = 0.5
    multi_label: bool = False

    @classmethod
    def from_settings(cls, settings: ClassifierSettings, context: GateContext) -> "ClassifierGate":
        """Return the gate that asks the classifier of `settings`."""
        name = classification.name_classifier(settings.model)
        return cls(name, settings.label, settings.threshold, settings.multi_label)

    @property
    def classifier_needs(self) -> ClassifierNeeds:
        """The classifier must have the label."""
        return ClassifierNeeds(self.label, multi_label=self.multi_label)

    def requests(self, item: Item) -> tuple[Request, ...]:
        """Return the request to label `item`."""
        return (classification.build_request(self.model, item.text),)

    def refusal(self, item: Item, replies: Sequence[Reply]) -> str | Undecided | None:
        """Return the reason, if the classifier gives `item` the label; None if it does not."""
        found = classification.read_labels(replies)
        if isinstance(found, str):
            return Undecided(found)
        probability = self.find_probability(found)
        if probability is None:
            return Undecided(f"the classifier has no label {self.label!r}")
        return f"is {self.label} (probability {probability:.2f})" if probability >= self.threshold else None

    def measure(self, item: Item, replies: Sequence[Reply]) -> float | None:
        """Return the probability of the label."""
        found = classification.read_labels(replies)
        return None if isinstance(found, str) else self.find_probability(found)

    def find_probability(self, labels: Labels) -> float | None:
        """Return the probability of the label, in [0, 1]; None if the classifier does not have it."""
        value = labels.find(self.label)
        if value is None:
            return None
        if self.multi_label or len(labels.values) == 1:
            return sigmoid(value)
        highest = max(other for _, other in labels.values)
        return exp(value - highest) / fsum(exp(other - highest) for _, other in labels.values)
