"""Every example of the paper's setting is valid, has its costs estimated by hand-checked rules, and is rendered."""

from pathlib import Path

import pytest
import yaml

from swarm_operator.cli import render
from swarm_trainer.cli import run_commands, run_file

FOLDER = Path(__file__).parents[2] / "examples" / "data-swarms"
FILES = sorted(FOLDER.glob("*.yaml"))
PAPER = ("alpaca", "gsm8k", "nlgraph", "truthfulqa", "wikidyk")


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def file(request: pytest.FixtureRequest) -> Path:
    return request.param


def describe(file: Path, rate: float | None = None) -> dict[str, list[str]]:
    """The lines of `dataswarm validate` by subject."""
    lines = list(run_commands.describe_run(run_file.load(file), Path("runs"), rate))[1:]
    found: dict[str, list[str]] = {}
    for line in lines:
        subject, _, rest = line.strip().partition(" ")
        found.setdefault(subject, []).append(rest.strip())
    return found


def test_there_are_the_five_domains_and_two_more() -> None:
    assert {file.stem for file in FILES} == {*PAPER, "qwen2.5-7b", "small-gpu"}


def test_an_example_is_valid_and_its_costs_are_estimated(file: Path) -> None:
    found = describe(file)
    assert all(subject in found for subject in ("tokens", "time", "memory", "disk"))
    assert all("unknown until it is fetched" in line for line in found["memory"])
    assert "assumed" in found["time"][0]


def test_an_example_renders_within_its_accelerators(file: Path) -> None:
    text = render.render_run(file.read_text(), file.name)
    kinds = [child["kind"] for child in yaml.safe_load_all(text)]
    assert "Job" in kinds
    assert ("Deployment" in kinds) is (file.stem != "small-gpu")
    spec = yaml.safe_load(file.read_text())["spec"]
    allowed = spec["execution"]["kubernetes"]["maxAccelerators"]
    assert f"Peak of nvidia.com/gpu: {allowed} of {allowed}" in text


@pytest.mark.parametrize("name", PAPER)
def test_the_papers_setting_is_that_of_the_released_code(name: str) -> None:
    spec = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())["spec"]
    assert spec["base"]["model"] == "hf://google/gemma-2-9b-it@main"
    clusters = [f"hf://bunsenfeng/ds_{name}_cluster_{number}@main" for number in range(4)]
    assert spec["generators"]["adapters"] == clusters
    takers = [taker["adapter"] for taker in spec["takers"]]
    assert takers == [f"hf://bunsenfeng/ds_{taker}@main" for taker in ("cot", "lima", "oasst1", "science")]
    assert (spec["evaluation"]["items"], spec["generation"]["shots"]) == (200, 5)
    assert spec["swarm"] == {"rule": "Published", "particles": 4, "iterations": 200, "patience": 10}


def test_the_hours_follow_the_rate() -> None:
    """405,700 items at most, five per request: 81,140 requests of 512 tokens are 41,543,680. 824,548 answers, each
    asked for twice at most, of 512 tokens are 844,337,152. Together 885,880,832, at 10,000 per second 24.6 hours.
    """
    found = describe(FOLDER / "gsm8k.yaml", 10_000.0)
    assert "at most 41,543,680 written by generators, 844,337,152 by takers of the run" in found["tokens"][0]
    assert "at most 24.6 accelerator-hours" in found["time"][0]
    assert "(as given)" in found["time"][0]


def test_calls_are_counted_by_role() -> None:
    """Two requests for a mark of each of 824,548 answers at most, and one verdict on each of 405,700 items."""
    assert describe(FOLDER / "gsm8k.yaml")["calls"] == ["at most 1,649,096 of judges, 405,700 of gates"]
    assert "calls" not in describe(FOLDER / "nlgraph.yaml")


def test_a_model_on_this_machine_is_measured() -> None:
    found = describe(FOLDER.parent / "arithmetic" / "swarmrun.yaml")
    assert "of weights" in found["memory"][0]
    assert "unknown" not in " ".join([*found["memory"], *found["disk"]])


def test_a_gate_that_takes_votes_is_asked_for_each(tmp_path: Path) -> None:
    document = yaml.safe_load((FOLDER / "gsm8k.yaml").read_text())
    document["spec"]["gates"][-1] = {"type": "Answerable", "answerable": {"votes": {"count": 5}}}
    (tmp_path / "votes.yaml").write_text(yaml.safe_dump(document))
    assert describe(tmp_path / "votes.yaml")["calls"] == ["at most 1,649,096 of judges, 2,028,500 of gates"]
