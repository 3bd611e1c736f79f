"""The settings of preference training: what each loss adds, and which settings go with it."""

import pytest
from pydantic import ValidationError

from swarm_core.blocks.preference import PreferenceTraining


@pytest.mark.parametrize(
    ("written", "likelihood", "margin"),
    [
        ({}, 0.0, 0.0),
        ({"loss": "DpoNll"}, 1.0, 0.0),
        ({"loss": "DpoNll", "dpoNll": {"weight": 0.5}}, 0.5, 0.0),
        ({"loss": "DpoMargin"}, 0.0, 1.0),
        ({"loss": "DpoMargin", "dpoMargin": {"scale": 3}}, 0.0, 3.0),
    ],
)
def test_each_loss_adds_its_own_term(written: dict[str, object], likelihood: float, margin: float) -> None:
    training = PreferenceTraining.model_validate(written)
    assert (training.likelihood, training.margin) == (likelihood, margin)


@pytest.mark.parametrize("block", ["dpoNll", "dpoMargin"])
def test_the_settings_of_another_loss_are_refused(block: str) -> None:
    with pytest.raises(ValidationError, match=f"{block} belongs to loss"):
        PreferenceTraining.model_validate({block: {}})
