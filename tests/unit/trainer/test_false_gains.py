"""Runs on flat landscapes report no gain: a small version of `benchmarks/false_gains.py`."""

from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import benchmark_module
import pytest

from swarm_core.objectives.verdict import Verdict
from swarm_trainer.report.search_result import Interval

RUNS = 60
MOST = 5
"""Six gains of 60 come about once in 300 times if one in forty is one."""


@pytest.fixture(scope="module")
def benchmark() -> Any:
    return benchmark_module.load("false_gains")


def count(gains: list[Interval], verdict: Verdict) -> int:
    return sum(gain.verdict is verdict for gain in gains)


@pytest.mark.long
def test_hardly_any_run_on_a_flat_landscape_reports_a_gain(benchmark: Any) -> None:
    landscape = benchmark.Landscape()
    gains = [benchmark.simulate("SwarmRun", landscape, seed)["generators"] for seed in range(RUNS)]
    values = [gain.value for gain in gains]
    assert sum(value != 0 for value in values) > RUNS / 4, "the best is mostly an initial generator: nothing was tried"
    assert count(gains, Verdict.GAIN) <= MOST
    assert abs(fmean(values)) < 4 * stdev(values) / sqrt(RUNS)


def test_a_run_reports_the_gain_of_its_generators(benchmark: Any) -> None:
    found = benchmark.simulate("SwarmRun", benchmark.Landscape(), 2)
    assert list(found) == ["generators"]
    assert found["generators"].low <= found["generators"].value <= found["generators"].high


@pytest.mark.long
def test_a_game_reports_the_gains_of_both_sides(benchmark: Any) -> None:
    found = benchmark.simulate(*benchmark.SETTINGS["a game, 0.3"], 1)
    assert list(found) == ["generators", "takers, real items", "takers, rivals items", "takers, game items"]
    assert all(gain.low <= gain.value <= gain.high for gain in found.values())


def test_a_benchmark_that_was_stopped_goes_on_with_the_runs_that_are_missing(
    benchmark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []

    def simulate(kind: str, landscape: object, seed: int) -> dict[str, Interval]:
        done.append(seed)
        return {"generators": Interval(0.1, 0.05, 0.15)}

    monkeypatch.setattr(benchmark, "simulate", simulate)
    (name, *_) = benchmark.SETTINGS
    benchmark.simulate_missing(tmp_path / "out.jsonl", [name], 2)
    benchmark.simulate_missing(tmp_path / "out.jsonl", [name], 3)
    assert done == [benchmark.FIRST_SEED + number for number in range(3)]
    row = benchmark.format_row(
        name, [outcome["generators"] for outcome in benchmark.load_outcomes(tmp_path / "out.jsonl").values()]
    )
    assert "| 3 | 3 (100.0%) | 0 (0.0%) | 0% | +0.1000 ± 0.0000 |" in row
    assert row.endswith("| **no** | **no** |")


@pytest.mark.parametrize(
    ("name", "values", "judged"),
    [
        ("a search", [0.004, 0.004], ["yes", "yes"]),
        ("a search", [-0.02, 0.004], ["yes", "not resolved"]),
        ("a search", [-0.02, -0.02], ["yes", "**no**"]),
        ("a search", [0.06] * 10 + [-0.06] * 10, ["**no**", "yes"]),
        ("a search", [0.06, -0.06] + [0.0] * 30, ["not resolved", "yes"]),
        ("a game: takers, real items", [-0.02, -0.02], ["yes", "no target"]),
        ("a game: takers, game items", [0.06, 0.06], ["no verdict", "no verdict"]),
    ],
)
def test_a_row_tells_what_misses_its_target_and_what_has_none(
    benchmark: Any, name: str, values: list[float], judged: list[str]
) -> None:
    row = benchmark.format_row(name, [Interval(value, value - 0.05, value + 0.05) for value in values])
    assert row.split(" | ")[-2:] == [judged[0], f"{judged[1]} |"]
