"""What would make a game meaningless is refused in one line, with exit code 2, before anything is trained."""

from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import GAME, dataswarm


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("size: 24", "size: 400", "spec.pool.size: 400 items, but the generators' data holds 302"),
        (
            "uri: takers.jsonl",
            "uri: seeds.jsonl",
            "are held out of the takers' data but also occur in the generators' data",
        ),
        ("rounds: 2", "rounds: 2\n  stop: {patience: 3}", "spec.stop.patience: 3: patience must be at most rounds"),
    ],
    ids=["pool larger than the data", "held-out data in the pool", "a rule that can never hold"],
)
def test_a_game_that_would_mean_nothing_is_refused_before_anything_is_trained(
    old: str, new: str, said: str, tmp_path: Path, warm: Path
) -> None:
    text = (GAME / "short.yaml").read_text().replace("../arithmetic/base", str(GAME.parent / "arithmetic" / "base"))
    assert old in text
    file = tmp_path / "run.yaml"
    file.write_text(text.replace(old, new).replace("uri: ", f"uri: {GAME}/"))
    refused = dataswarm("run", file, "--folder", tmp_path / "run", at=warm)
    assert refused.returncode == 2, refused.stderr
    assert said in refused.stderr
    assert not (tmp_path / "run").exists()


def test_takers_of_another_base_than_the_generators_are_refused_by_name(
    make_base: Callable[..., Path], make_adapter: Callable[..., Path], tmp_path: Path, warm: Path
) -> None:
    other = make_base(hidden=64)
    adapters = ", ".join(str(make_adapter(other, seed=seed)) for seed in (1, 2))
    text = (GAME / "short.yaml").read_text().replace("../arithmetic/base", str(GAME.parent / "arithmetic" / "base"))
    start, end = text.index("    training: {<<: *training"), text.index("    swarm: {particles: 3}\n    learning")
    file = tmp_path / "run.yaml"
    given = f"{text[:start]}    adapters: [{adapters}]\n{text[end:]}"
    file.write_text(given.replace("uri: ", f"uri: {GAME}/"))
    refused = dataswarm("run", file, "--folder", tmp_path / "run", at=warm)
    assert refused.returncode == 2, refused.stderr
    assert "spec.takers.adapters[0]" in refused.stderr
    assert "another base" in refused.stderr
