"""The judge RewardModel and the gate Classifier: how outputs of classifiers become scores and verdicts."""

from math import e
from typing import Any

import pytest

from swarm_core.blocks.classifier_model import ClassifierModel
from swarm_core.classification import name_classifier
from swarm_core.gates.classifier_gate import ClassifierGate
from swarm_core.items import Item
from swarm_core.judges.reward_calibration import RewardCalibration
from swarm_core.judges.reward_model import RewardModelJudge
from swarm_core.objectives.scores import Unscored, UnscoredReason
from swarm_core.ports import Completion, Reply, RequestFailure, Undecided

ITEM = Item("Who wrote it?")
MODEL = name_classifier(ClassifierModel(uri="models/reward"))


def calibrate(**block: Any) -> RewardCalibration:
    (name,) = block
    return RewardCalibration.model_validate({"type": name.capitalize(), **block})


def labels(*values: tuple[str, float]) -> list[Reply]:
    return [Completion("", 0, finished=True, labels=values)]


JUDGE = RewardModelJudge(MODEL, calibrate(range={"low": -2, "high": 6}))


@pytest.mark.parametrize(
    ("calibration", "rewards", "scores"),
    [
        (calibrate(sigmoid={"center": 1, "scale": 2}), (1, 3, -1), (0.5, e / (1 + e), 1 / (1 + e))),
        (calibrate(sigmoid={}), (1e300, -1e300), (1.0, 0.0)),
        (calibrate(range={"low": -2, "high": 6}), (-3, -2, 0, 6, 7), (0.0, 0.0, 0.25, 1.0, 1.0)),
        (calibrate(quantiles={"rewards": [0, 1, 3]}), (-1, 0, 0.5, 1, 2, 3, 4), (0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.0)),
        (calibrate(quantiles={"rewards": [3, 1, 0]}), (2,), (0.75,)),
        (calibrate(quantiles={"rewards": [1, 1, 1]}), (0, 1, 2), (0.0, 0.0, 1.0)),
    ],
)
def test_a_calibration_maps_rewards_to_scores(
    calibration: RewardCalibration, rewards: tuple[float, ...], scores: tuple[float, ...]
) -> None:
    assert [calibration.find_score(reward) for reward in rewards] == pytest.approx(scores, abs=1e-12)


def test_a_reward_is_calibrated() -> None:
    assert JUDGE.score(ITEM, "Ann", labels(("LABEL_0", 2.0))) == 0.5


@pytest.mark.parametrize(
    ("replies", "detail"),
    [
        (labels(("LABEL_0", float("nan"))), "not finite"),
        (labels(("LABEL_0", float("inf"))), "not finite"),
        (labels(("a", 1.0), ("b", 2.0)), "2 outputs"),
        ([RequestFailure("700 tokens", UnscoredReason.REFUSED)], "700 tokens"),
        ([Completion("9", 1, finished=True)], "no labels"),
    ],
)
def test_an_answer_without_a_finite_reward_has_no_score(replies: list[Reply], detail: str) -> None:
    found = JUDGE.score(ITEM, "Ann", replies)
    assert isinstance(found, Unscored)
    assert found.reason is UnscoredReason.JUDGE_FAILED
    assert detail in found.detail


def test_a_blank_answer_is_wrong_and_is_not_sent() -> None:
    assert JUDGE.requests(ITEM, " \n") == ()
    assert JUDGE.score(ITEM, " \n", ()) == 0.0


def test_the_item_and_the_answer_are_sent_apart() -> None:
    (request,) = RewardModelJudge(MODEL, JUDGE.calibration, chat=True).requests(ITEM, "Ann")
    assert (request.model, request.prompt, request.answer, request.chat) == (MODEL, ITEM.text, "Ann", True)


@pytest.mark.parametrize(
    ("multi_label", "values", "probability"),
    [
        (False, (("ok", 0.0), ("toxic", 0.0)), 0.5),
        (False, (("ok", 1.0), ("toxic", 0.0)), 1 / (1 + e)),
        (False, (("ok", 0.0), ("spam", 0.0), ("toxic", 0.0)), 1 / 3),
        (True, (("ok", 9.0), ("toxic", 1.0)), e / (1 + e)),
        (False, (("toxic", 1.0),), e / (1 + e)),
        (False, (("ok", -1000.0), ("toxic", 1000.0)), 1.0),
    ],
)
def test_an_item_is_rejected_by_the_probability_of_its_label(
    multi_label: bool, values: tuple[tuple[str, float], ...], probability: float
) -> None:
    gate = ClassifierGate(MODEL, "toxic", 0.5, multi_label)
    rejected = gate.refusal(ITEM, labels(*values))
    assert (rejected is not None) is (probability >= 0.5)
    assert gate.measure(ITEM, labels(*values)) == pytest.approx(probability)


def test_a_classifier_that_gives_no_verdict_decides_nothing() -> None:
    gate = ClassifierGate(MODEL, "toxic")
    assert gate.refusal(ITEM, [RequestFailure("700 tokens")]) == Undecided("700 tokens")
    assert gate.refusal(ITEM, labels(("ok", 1.0))) == Undecided("the classifier has no label 'toxic'")
    assert gate.measure(ITEM, labels(("ok", 1.0))) is None
