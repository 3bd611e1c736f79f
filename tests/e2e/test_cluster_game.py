"""A game on a real cluster: `kubectl apply` of an AdversarialRun, to Succeeded and both sides in the bucket."""

import json
from collections.abc import Callable
from pathlib import Path

import e2e_cluster
import pytest
import swarmruns
from command_line import GAME, FinishedRun, read_output
from e2e_cluster import NAMESPACE, Cluster

pytestmark = [pytest.mark.e2e_cluster, pytest.mark.timeout(5400)]
SERVED_SECONDS = 2 * swarmruns.RUN_SECONDS
NAME = "adversarialrun/game-short"


def test_a_game_disturbed_on_a_cluster_is_the_game_of_one_machine(
    cluster: Cluster, game: FinishedRun, tmp_path: Path
) -> None:
    """With `inference: Local`: suspended in the middle and taken up again by another operator process."""
    run = swarmruns.document(
        GAME / "short.yaml", swarmruns.kind_and_name(NAME)[1], cluster.endpoint, inference="Local", maxAccelerators=0
    )
    cluster.apply(run)
    found = swarmruns.run_disturbed(cluster, NAME, "round")
    keys = swarmruns.assert_same_receipts(cluster, NAME, game.folder, tmp_path / "cache")
    assert any(key.startswith("iterate.takers") for key in keys)
    check_status(cluster, found, game)
    check_bucket(cluster, game, tmp_path / "out")
    swarmruns.delete(cluster, NAME)


def test_a_game_is_served_and_taught_on_one_accelerator(cluster: Cluster, accelerators: Callable[[int], None]) -> None:
    """Servers of both sides, what is trained between turns, servers again: by turns, on one accelerator."""
    e2e_cluster.require_variable("DATASWARM_E2E_VLLM", "set it where the nodes have the image of the inference servers")
    accelerators(1)
    name = "adversarialrun/game-served"
    trainer = {**swarmruns.SMALL, "accelerators": 1}
    run = swarmruns.document(
        GAME / "short.yaml", "game-served", cluster.endpoint, inference="VLLM", maxAccelerators=1,
        servers=swarmruns.SERVERS, trainer=trainer,
    )  # fmt: skip
    run["spec"]["rounds"] = 1
    cluster.apply(run)
    found = swarmruns.await_status(cluster, name, swarmruns.has_succeeded, SERVED_SECONDS)
    assert found["peakAccelerators"] == 1
    assert found["gpuSeconds"]["busy"] > 0
    assert "verified:" in swarmruns.command_line(cluster, "verify", name)
    swarmruns.delete(cluster, name)


def check_status(cluster: Cluster, found: dict[str, object], game: FinishedRun) -> None:
    """Status and columns tell the rounds and the result of one machine."""
    result = json.loads((game.folder / "result.json").read_text())
    assert found["experimentDigest"] == result["experimentDigest"]
    history = found["history"]
    assert isinstance(history, list)
    assert [row["round"] for row in history] == list(range(len(history)))
    assert all({"difficulty", "takerScore", "heldOutScore"} <= set(row) for row in history)
    row = cluster.run("get", *swarmruns.kind_and_name(NAME), "--namespace", NAMESPACE, "--no-headers").split()
    assert row[:2] == [swarmruns.kind_and_name(NAME)[1], "Succeeded"]
    columns = found["columns"]
    assert isinstance(columns, dict)
    assert row[2:5] == [columns[name] for name in ("round", "difficulty", "takerScore")], row


def check_bucket(cluster: Cluster, game: FinishedRun, out: Path) -> None:
    """Everything verifies, and what is exported is what one machine has: results, archive and both sides' adapters."""
    assert "verified:" in swarmruns.command_line(cluster, "verify", NAME)
    swarmruns.command_line(cluster, "export", NAME, str(out))
    for file in ("result.json", "history.jsonl", "dataset/data.jsonl"):
        assert read_output(out, file) == read_output(game.folder, file), file
    adapters = {path.relative_to(game.folder) for path in game.folder.glob("*/**/adapter_model.safetensors")}
    exported = {path.relative_to(out) for path in out.glob("*/**/adapter_model.safetensors")}
    assert {path for path in adapters if path.parts[0] not in ("store", "cache")} == exported
    assert len(exported) >= 2
