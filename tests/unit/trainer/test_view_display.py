"""The three ways a run is shown: lines, a picture, JSON."""

import io
import itertools
import json
from pathlib import Path

import pytest
from rich.console import Console

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
from swarm_trainer.view import display, json_lines, live_view
from swarm_trainer.view.run_snapshot import ItemProgress, RunSnapshot

KEY = "iterate.generators.0007"
USAGE = Usage(
    requests=1500, retries=3, tokens=6200, seconds=2.0, latencies=((-16, 1400), (4, 100)), unscored=(("Refused", 2),),
    bytes_written=1_234_567, bytes_read=80,
)  # fmt: skip
STORY: list[Event] = [
    RunStarted("tiny", Path("/runs/tiny"), 24),
    PhaseEntered(Phase.PREPARING),
    ItemStarted("prepare", 1),
    ItemFinished(Receipt("prepare")),
    Notice("iterate.generators.0007, attempt 1: Lost: the worker\x1b[2J died"),
    PhaseEntered(Phase.ITERATING),
    ItemStarted(KEY, 1),
    ItemProgressed(Progress(KEY, "examined p00", 1, 2, 6200, (("p00", 0.5), ("p01", None)), USAGE)),
    ItemFinished(Receipt(KEY, {}, {"best": 0.512, "initial": 0.42, "mean": 0.431})),
    PhaseEntered(Phase.SUCCEEDED),
]
LINES = [
    "run tiny in /runs/tiny",
    "phase Preparing",
    "prepare done in 1s",
    "iterate.generators.0007, attempt 1: Lost: the worker [2J died",
    "phase Iterating",
    "iteration 7/24  best 0.512 (+0.092)  mean 0.431  3.1k tok/s  34s left  3 sent again  2 unscored",
    "phase Succeeded",
]
SCENE = RunSnapshot(
    since=0.0,
    name="tiny",
    iterations=24,
    phase=Phase.ITERATING,
    iteration=7,
    durations=(2.0,),
    best=0.512,
    initial=0.42,
    mean=0.431,
    item=ItemProgress(KEY, 10.0, "examined p01", 2, 9, 6200),
    fitness=(("g00", 0.256), ("p01", None), ("p02", -0.25), ("a-name-that-is-far-too-long", 0.512)),
    message="train.generators.001, attempt 1: Error: [bold]boom[/bold]",
    usage=USAGE,
)


def shown(width: int, scene: RunSnapshot = SCENE, now: float = 12.0) -> list[str]:
    console = Console(file=io.StringIO(), record=True, width=width, force_terminal=True)
    console.print(live_view.render(scene, now, width))
    return console.export_text().splitlines()


def test_lines_tell_every_phase_item_and_trouble_and_nothing_else() -> None:
    printed: list[str] = []
    clock = itertools.count(0.0, 1.0)
    watch = display.line_watcher(lambda: next(clock), printed.append)
    for event in STORY:
        watch(event)
    assert printed == LINES


def test_the_picture_shows_everything_that_is_known() -> None:
    text = "\n".join(shown(140))
    for part in [
        "tiny  Iterating 7/24  12s  34s left",
        "best 0.512 (+0.092)  mean 0.431",
        "examined p01  2/9  3.1k tok/s",
        "1,500 requests; 3 sent again; answered within 57 ms (half), 1.8 s (95 %); 3,100 tok/s; 2 unscored Refused",
        "Error: [bold]boom[/bold]",
        "g00",
        "unscored",
        "-0.250",
    ]:
        assert part in text


def test_bars_are_as_long_as_fitness_is_high() -> None:
    half = RunSnapshot(since=0.0, fitness=(("g00", 0.256), ("top", 0.512)))
    console = Console(file=io.StringIO(), record=True, width=100, force_terminal=True, color_system=None)
    console.print(live_view.render(half, 1.0, 100))
    rows = console.export_text().splitlines()[-2:]
    lengths = [sum(letter == "━" for letter in row) for row in rows]
    assert lengths == [live_view.MAX_BAR_COLUMNS // 2, live_view.MAX_BAR_COLUMNS]


@pytest.mark.parametrize("width", [20, 30, 40, 80, 200])
def test_the_picture_fits_any_width_without_a_line_more(width: int) -> None:
    lines = shown(width)
    assert max(len(line.rstrip()) for line in lines) <= width
    assert len(lines) == len(shown(200))


def test_a_picture_of_nothing_yet_can_be_drawn() -> None:
    assert shown(80, RunSnapshot(since=0.0), 0.0)[0].split() == ["Pending", "0s"]


def test_every_event_is_one_json_object_per_line() -> None:
    said = [json_lines.format_event(event, 1.0) for event in STORY]
    assert all("\n" not in line for line in said)
    objects_said = [json.loads(line) for line in said]
    assert [thing["event"] for thing in objects_said[:3]] == ["began", "entered", "started"]
    assert objects_said[7]["fitness"] == {"p00": 0.5, "p01": None}
    assert objects_said[7]["usage"]["latency"] == {"p50": 0.05731, "p95": 1.834}
    assert objects_said[7]["usage"]["store"] == {"bytesUp": 1_234_567, "bytesDown": 80}
    assert objects_said[8]["scalars"]["best"] == 0.512


@pytest.mark.parametrize(
    ("terminal", "as_json", "first"),
    [(False, False, "run tiny in /runs/tiny"), (False, True, '{"event": "began"'), (True, True, '{"event": "began"')],
    ids=["lines in a pipe", "json in a pipe", "json in a terminal"],
)
def test_what_is_printed_depends_on_where(
    terminal: bool, as_json: bool, first: str, capsys: pytest.CaptureFixture[str]
) -> None:
    console = Console(file=io.StringIO(), force_terminal=terminal)
    with display.open_watcher(console, lambda: 0.0, as_json=as_json) as watch:
        watch(STORY[0])
    assert capsys.readouterr().out.startswith(first)


def test_a_terminal_gets_the_picture_and_keeps_the_last_one(capsys: pytest.CaptureFixture[str]) -> None:
    screen = io.StringIO()
    with display.open_watcher(Console(file=screen, force_terminal=True, width=80), lambda: 0.0) as watch:
        for event in STORY:
            watch(event)
    last_frame = screen.getvalue().rpartition("tiny")[2]
    assert "Succeeded" in last_frame
    assert capsys.readouterr().out == ""
