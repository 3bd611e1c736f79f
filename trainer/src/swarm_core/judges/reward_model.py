"""The judge that is a reward model: a sequence classifier with one output, which is higher for better answers.

The model reads the item and the answer together: as a pair of texts, or as two turns in its chat template. A declared
calibration maps its output to a score in [0, 1] (`swarm_core.judges.reward_calibration`). An answer is `Unscored` if
both are longer than the model reads, or if the output is not finite. A blank answer is not sent to it and has the
score 0.

Limits: it sees no reference answer. It is a model in this process; one behind an endpoint (`/v1/score`) cannot be
asked. A reward model likes long and confident answers; compare it with gold answers (`dataswarm calibrate`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from swarm_core import classification
from swarm_core.blocks.classifier_model import ClassifierModel
from swarm_core.blocks.settings import Settings
from swarm_core.classification import ClassifierNeeds
from swarm_core.items import Item
from swarm_core.judges.reward_calibration import CalibrationType, RangeCalibration, RewardCalibration
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason
from swarm_core.ports import Reply, Request
from swarm_core.recipe import ModelName


class RewardInput(StrEnum):
    """The forms in which a reward model reads an item and an answer."""

    PAIR = "Pair"
    """Two texts, between the tokens that the tokenizer puts around a pair."""
    CHAT = "Chat"
    """A turn of the user and a turn of the assistant in the chat template of the model."""


EXAMPLE: Mapping[str, Any] = {
    "model": {"uri": "models/reward"},
    "calibration": {"type": "Sigmoid", "sigmoid": {"center": 1, "scale": 2}},
}


def _calibrate(**block: Any) -> Mapping[str, Any]:
    (name,) = block
    return {**EXAMPLE, "calibration": {"type": name.capitalize(), name: block[name]}}


class RewardModelSettings(Settings):
    """A reward model and what its outputs mean."""

    model: ClassifierModel
    """The reward model."""
    input: RewardInput = RewardInput.PAIR
    """Form in which the model reads an item and an answer: Pair for two texts, Chat for two turns in its chat template.
    """
    calibration: RewardCalibration
    """Map from the outputs of the model to scores from 0 to 1. Models differ in the scale of their outputs."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        EXAMPLE,
        {**_calibrate(range={"low": -5, "high": 5}), "input": "Chat"},
        _calibrate(quantiles={"rewards": [-4, -1, 0.5, 3]}),
    )
    counterexamples: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        RangeCalibration.rules[0].message: _calibrate(range={"low": 1, "high": 1}),
        **{
            rule.message: {**EXAMPLE, "calibration": {"type": str(kind)}}
            for rule, kind in zip(RewardCalibration.rules, CalibrationType, strict=True)
        },
    }


@dataclass(frozen=True, slots=True)
class RewardModelJudge:
    """A reward model in this process, a sequence classifier, whose outputs are calibrated to scores."""

    revision: ClassVar[int] = 1
    settings: ClassVar[type[RewardModelSettings]] = RewardModelSettings

    model: ModelName
    calibration: RewardCalibration
    chat: bool = False

    @classmethod
    def from_settings(cls, settings: RewardModelSettings) -> "RewardModelJudge":
        """Return the judge that asks the reward model of `settings`."""
        name = classification.name_classifier(settings.model)
        return cls(name, settings.calibration, settings.input is RewardInput.CHAT)

    @property
    def classifier_needs(self) -> ClassifierNeeds:
        """The classifier must have one output, and a chat template if it reads turns."""
        return ClassifierNeeds(None, self.chat)

    def refusal(self, item: Item) -> str | None:
        """Return the reason why `item` cannot be judged; None if it can be judged."""
        return None if item.text.strip() else "the item is empty"

    def requests(self, item: Item, answer: str) -> tuple[Request, ...]:
        """Return the request for the reward of `answer`; empty for a blank answer."""
        if not answer.strip():
            return ()
        return (classification.build_request(self.model, item.text, answer, self.chat),)

    def score(self, item: Item, answer: str, replies: Sequence[Reply]) -> Score:
        """Return the calibrated reward; 0 for a blank answer.

        Unscored: JUDGE_FAILED if there is no finite reward.
        """
        if not answer.strip():
            return 0.0
        found = read_reward(replies)
        if isinstance(found, str):
            return Unscored(UnscoredReason.JUDGE_FAILED, found)
        return self.calibration.find_score(found)


def read_reward(replies: Sequence[Reply]) -> float | str:
    """Return the one output of a reward model; the reason if there is none."""
    found = classification.read_labels(replies)
    if isinstance(found, str):
        return found
    if len(found.values) != 1:
        return f"the reward model has {len(found.values)} outputs, and a reward model has one"
    return found.values[0][1]
