"""What is known of a run is the sum of its events, and the time left is never guessed."""

from pathlib import Path

import pytest

from swarm_core.engine.phases import Phase
from swarm_core.engine.work import Receipt
from swarm_core.usage import Usage
from swarm_trainer.host.run_events import (
    Event,
    ItemFinished,
    ItemProgressed,
    ItemStarted,
    Notice,
    PhaseEntered,
    RunStarted,
)
from swarm_trainer.runtime.context import Progress
from swarm_trainer.view.run_snapshot import RunSnapshot, apply_event, parse_iteration

BEGINNING: list[tuple[float, Event]] = [
    (0.0, RunStarted("tiny", Path("runs/tiny"), 24)),
    (0.0, PhaseEntered(Phase.ITERATING)),
]


def key(index: int) -> str:
    return f"iterate.generators.{index:04d}"


def of_iteration(index: int, start: float, end: float, best: float | None = 0.5) -> list[tuple[float, Event]]:
    scalars = {"best": best, "initial": 0.42, "mean": 0.4}
    return [(start, ItemStarted(key(index), 1)), (end, ItemFinished(Receipt(key(index), {}, scalars)))]


def after(*parts: list[tuple[float, Event]]) -> RunSnapshot:
    scene = RunSnapshot(since=0.0)
    for now, event in (timed for part in parts for timed in part):
        scene = apply_event(scene, event, now)
    return scene


def test_a_receipt_brings_best_initial_and_mean() -> None:
    scene = after(BEGINNING, of_iteration(0, 0, 10))
    assert (scene.iteration, scene.best, scene.initial, scene.mean) == (0, 0.5, 0.42, 0.4)


def test_time_left_is_the_median_iteration_times_those_to_come() -> None:
    scene = after(BEGINNING, of_iteration(0, 0, 90), of_iteration(1, 90, 100), of_iteration(2, 100, 110))
    assert scene.left(110) == 10 * 22


def test_time_left_runs_down_within_an_iteration_and_stops_at_none_left() -> None:
    scene = after(BEGINNING, of_iteration(0, 0, 10), [(10, ItemStarted(key(1), 1))])
    assert scene.left(10) == 10 * 24
    assert scene.left(14) == 10 * 24 - 4
    assert scene.left(9999) == 0


def test_time_left_counts_from_where_a_run_was_taken_up_again() -> None:
    scene = after(BEGINNING, of_iteration(20, 0, 10))
    assert scene.left(10) == 10 * 4


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([BEGINNING], id="before the first iteration is done"),
        pytest.param(
            [BEGINNING, of_iteration(0, 0, 10), [(10, PhaseEntered(Phase.CONCLUDING))]], id="after the search"
        ),
    ],
)
def test_time_left_is_unknown(parts: list[list[tuple[float, Event]]]) -> None:
    assert after(*parts).left(20) is None


def test_tokens_add_up_over_one_item_and_start_again_with_the_next() -> None:
    reports: list[tuple[float, Event]] = [(n, ItemProgressed(Progress(key(0), "", tokens=500))) for n in (1.0, 2.0)]
    scene = after(BEGINNING, [(0, ItemStarted(key(0), 1))], reports)
    assert scene.rate(4.0) == 250.0
    assert apply_event(scene, ItemStarted(key(1), 1), 4.0).rate(5.0) is None


def test_usage_adds_up_over_the_whole_run() -> None:
    reports: list[tuple[float, Event]] = [
        (
            n,
            ItemProgressed(
                Progress(key(n), "", usage=Usage(requests=5, latencies=((n, 5),), unscored=(("Unreadable", 1),)))
            ),
        )
        for n in (0, 1, 1)
    ]
    usage = after(BEGINNING, reports, of_iteration(2, 3, 4)).usage
    assert usage == Usage(requests=15, latencies=((0, 5), (1, 10)), unscored=(("Unreadable", 3),))


def test_probes_of_the_last_iteration_stay_until_the_next_has_measured_something() -> None:
    first, second = (("p00", 0.5),), (("p00", None),)
    scene = after(BEGINNING, [(1, ItemProgressed(Progress(key(0), "", fitness=first)))], of_iteration(0, 0, 2))
    assert scene.fitness == first
    scene = apply_event(scene, ItemStarted(key(1), 1), 2)
    assert apply_event(scene, ItemProgressed(Progress(key(1), "")), 3).fitness == first
    assert apply_event(scene, ItemProgressed(Progress(key(1), "", fitness=second)), 3).fitness == second


def test_a_notice_and_a_further_attempt_are_the_message() -> None:
    assert after([(0, Notice("lost"))]).message == "lost"
    assert after([(0, ItemStarted("prepare", 2))]).message == "prepare: attempt 2"


@pytest.mark.parametrize(
    ("name", "index"), [("prepare", None), ("train.generators.003", None), ("iterate.generators.0012", 12)]
)
def test_only_an_iterates_key_names_an_iteration(name: str, index: int | None) -> None:
    assert parse_iteration(name) == index
