"""A run whose gates and judge ask classifiers in its own process."""

from pathlib import Path

import pytest
import tiny_classifiers
import yaml
from command_line import GIVEN_GENERATORS, build_short_run, dataswarm

from swarm_core.rollout import Rollout
from swarm_trainer.run_store import commit_chain
from swarm_trainer.stores.local import LocalStore

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run with a language, a classifier and a reward model."""
    scratch = tmp_path_factory.mktemp("classifiers")
    tiny_classifiers.write(scratch / "labels", ["x", "y"])
    tiny_classifiers.write_reward_model(scratch / "reward")
    reward = {"model": {"uri": "reward"}, "calibration": {"type": "Range", "range": {"low": -4, "high": 4}}}
    arithmetic = {"type": "Verifier", "verifier": {"type": "Arithmetic"}}
    changes = {
        "generators": GIVEN_GENERATORS,
        "judge": {"type": "Panel", "panel": {"members": [arithmetic, {"type": "RewardModel", "rewardModel": reward}]}},
        "gates": [
            {"type": "Verifiable"},
            {"type": "Refusal"},
            {"type": "Language", "language": {"languages": ["en"]}},
            {"type": "Classifier", "classifier": {"model": {"uri": "labels"}, "label": "x", "threshold": 1}},
            {"type": "Duplicate"},
        ],
        "swarm": {"particles": 3, "iterations": 1, "standard": {"remeasured": 0, "scattered": 2}},
        "evaluation": {"items": 6, "finalists": 2, "final": {"items": 6, "seeds": 2}},
    }
    document = build_short_run(**changes)
    file = scratch / "run.yaml"
    file.write_text(yaml.safe_dump(document))
    done = dataswarm("run", file, "--folder", scratch / "run")
    assert done.returncode == 0, done.stderr
    return scratch / "run"


def test_every_item_keeps_what_the_classifier_and_the_reward_model_said(folder: Path) -> None:
    store = LocalStore(folder / "store")
    (first,) = [done for done in commit_chain.walk(store) if done.iteration == 0]
    items = 0
    for candidate in first.candidates:
        rollout = Rollout.from_bytes(store.read(f"iterations/0000/rollouts/{candidate.name}.json.gz") or b"")
        assert "Language" not in rollout.rejected()
        for item in rollout.items:
            items += 1
            ((name, value),) = item.features
            assert name == "Classifier"
            assert 0 <= value < 1
            for answer in item.answers:
                assert len(answer.opinions) in (0, 2)
    assert items > 0


def test_a_replay_needs_no_classifier(folder: Path) -> None:
    (folder.parent / "reward").rename(folder.parent / "gone")
    replayed = dataswarm("verify", folder)
    (folder.parent / "gone").rename(folder.parent / "reward")
    assert replayed.returncode == 0, replayed.stderr
