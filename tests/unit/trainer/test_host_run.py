"""Whole runs with a fake worker: what a run ends in, and what it goes on from."""

import json
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import pytest

from swarm_core.api import loading, resolution
from swarm_core.engine.phases import Phase
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import FailureReason
from swarm_core.errors import BadInputError
from swarm_trainer.host import run as host
from swarm_trainer.host.loop import SystemClock
from swarm_trainer.host.run_events import (
    Event,
    ItemFinished,
    ItemProgressed,
    ItemStarted,
    Notice,
    PhaseEntered,
    RunStarted,
)
from swarm_trainer.host.worker_process import Inbox, InboxMessage
from swarm_trainer.worker.layout import Layout
from swarm_trainer.worker.session import WorkerSpec

HERE = Path(__file__).parent
FILE = HERE / "fake_run" / "swarmrun.yaml"
WORKER = (sys.executable, str(HERE / "fake_worker.py"))
ITEMS = ["prepare", *(f"train.generators.{n:03d}" for n in range(2))]
ITEMS += [*(f"iterate.generators.{n:04d}" for n in range(3)), "conclude"]


E = TypeVar("E")


class FastClock(SystemClock):
    """A clock on which every wait is over a thousand times sooner."""

    SPEED = 1000

    def now(self) -> float:
        return super().now() * self.SPEED

    def receive(self, inbox: Inbox, seconds: float) -> InboxMessage | None:
        return super().receive(inbox, seconds / self.SPEED)


def order(**changes: object) -> WorkerSpec:
    """The fake run's, with `seed` or fields of `execution` changed."""
    resolved = resolution.resolve_run(loading.parse(FILE.read_text(), str(FILE)))
    seed = changes.pop("seed", resolved.seed)
    execution = resolved.execution.model_copy(update=changes)
    return WorkerSpec(resolved.model_copy(update={"seed": seed, "execution": execution}), FILE.parent)


@dataclass
class Watched:
    """A run in a folder, and the events of it."""

    root: Path
    events: list[Event] = field(default_factory=list)

    @property
    def layout(self) -> Layout:
        return Layout(self.root)

    def behave(self, **by_key: str) -> None:
        """What items do; `_` stands for the dots of their keys."""
        self.root.mkdir(exist_ok=True)
        behaviour = {key.replace("_", "."): value for key, value in by_key.items()}
        (self.root / ".behaviour.json").write_text(json.dumps(behaviour))

    def run(self, **changes: object) -> EngineState:
        self.events.clear()
        return host.run(host.RunJob("tiny", order(**changes), self.layout, WORKER), FastClock(), self.events.append)

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def receipts(self) -> dict[str, bytes]:
        names = self.layout.store / "names" / "receipts"
        return {path.name: path.read_bytes() for path in names.iterdir()}


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "run")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The receipts of a run in which nothing goes wrong."""
    watched = Watched(tmp_path_factory.mktemp("undisturbed") / "run")
    assert watched.run().phase is Phase.SUCCEEDED
    return watched.receipts()


def test_a_run_goes_through_every_phase_and_leaves_its_results(watched: Watched) -> None:
    end = watched.run()
    assert end.phase is Phase.SUCCEEDED
    assert [event.phase for event in watched.of(PhaseEntered)] == [
        Phase.PREPARING,
        Phase.SEEDING,
        Phase.ITERATING,
        Phase.CONCLUDING,
        Phase.SUCCEEDED,
    ]
    assert [event.key for event in watched.of(ItemStarted)] == ITEMS
    assert [event.receipt.key for event in watched.of(ItemFinished)] == ITEMS
    assert watched.of(RunStarted) == [RunStarted("tiny", watched.root, 2)]
    assert watched.of(ItemProgressed)[0].progress.note == "begun"
    assert json.loads(watched.layout.result.read_text())["gain"] == {"value": 0.1}
    assert json.loads(watched.layout.status.read_text())["phase"] == "Succeeded"
    assert json.loads(watched.layout.run.read_text())["version"] == version("dataswarm")


def test_a_finished_run_that_is_run_again_starts_no_worker_and_puts_back_what_is_missing(watched: Watched) -> None:
    watched.run()
    watched.layout.result.unlink()
    assert watched.run().phase is Phase.SUCCEEDED
    assert not watched.of(ItemStarted)
    assert watched.layout.result.is_file()


def test_what_goes_wrong_once_changes_no_receipt(watched: Watched, undisturbed: dict[str, bytes]) -> None:
    watched.behave(
        prepare="die once",
        train_generators_001="error once",
        iterate_generators_0001="die once",
        conclude="error once",
    )
    assert watched.run().phase is Phase.SUCCEEDED
    assert watched.receipts() == undisturbed
    assert len(watched.of(Notice)) == 4


def test_an_item_that_outlives_its_deadline_is_ended_and_tried_again(
    watched: Watched, undisturbed: dict[str, bytes]
) -> None:
    watched.behave(iterate_generators_0001="hang once")
    assert watched.run(item_deadline_seconds=6 * FastClock.SPEED).phase is Phase.SUCCEEDED
    assert watched.receipts() == undisturbed
    assert "DeadlineExceeded" in watched.of(Notice)[0].text


def test_an_item_that_fails_every_time_fails_the_run_and_a_second_run_tries_again(
    watched: Watched, undisturbed: dict[str, bytes]
) -> None:
    watched.behave(iterate_generators_0001="error")
    end = watched.run(attempts=2)
    assert end.failure is not None
    assert (end.failure.key, end.failure.reason) == ("iterate.generators.0001", FailureReason.ERROR)
    assert "failed 2 times, the last time: RuntimeError: the verb failed" in end.failure.message
    assert "Traceback" in watched.layout.log.read_text()
    watched.behave()
    assert watched.run(attempts=2).phase is Phase.SUCCEEDED
    assert watched.receipts() == undisturbed


def test_an_item_that_kills_every_worker_fails_the_run_with_the_logs_last_words(watched: Watched) -> None:
    watched.behave(train_generators_000="die")
    end = watched.run(attempts=1)
    assert end.failure is not None
    assert end.failure.reason is FailureReason.ERROR
    assert "was ended by SIGKILL (out of memory?), 3 times in a row" in end.failure.message
    assert "the last thing it did" in end.failure.message


def test_a_worker_that_cannot_even_start_fails_the_run_and_says_why(tmp_path: Path) -> None:
    job = host.RunJob("tiny", order(attempts=1), Layout(tmp_path / "run"), [sys.executable, "-c", "import nonsense"])
    end = host.run(job, FastClock(), lambda event: None)
    assert end.failure is not None
    assert "No module named 'nonsense'" in end.failure.message


def test_input_refused_while_preparing_leaves_no_folder_behind(watched: Watched, tmp_path: Path) -> None:
    job = host.RunJob("tiny", order(), watched.layout, [*WORKER, "--default", "refuse"])
    end = host.run(job, FastClock(), lambda event: None)
    assert end.failure is not None
    assert end.failure.reason is FailureReason.BAD_INPUT
    assert end.failure.message == "data.jsonl line 3: not JSON; correct the line"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_before_a_refusal_stays_and_takes_the_corrected_run(watched: Watched) -> None:
    watched.behave(prepare="refuse")
    assert watched.run().phase is Phase.FAILED
    watched.behave()
    assert watched.run(seed=8).phase is Phase.SUCCEEDED


def test_another_experiment_is_refused_in_the_folder_of_a_prepared_run(watched: Watched) -> None:
    watched.behave(iterate_generators_0000="error")
    watched.run(attempts=1)
    before = watched.receipts()
    with pytest.raises(BadInputError, match=r"belongs to another experiment, tiny: spec\.seed is 7 there and 8 here"):
        watched.run(seed=8)
    assert watched.receipts() == before


@pytest.mark.parametrize("damage", ["", '{"phase": "Nowhere"}'], ids=["empty", "unknown phase"])
def test_a_lost_state_is_derived_again_from_the_receipts(
    watched: Watched, undisturbed: dict[str, bytes], damage: str
) -> None:
    watched.behave(conclude="error")
    watched.run(attempts=1)
    watched.layout.state.write_text(damage)
    watched.behave()
    assert watched.run().phase is Phase.SUCCEEDED
    assert watched.receipts() == undisturbed
    assert "derived from the receipts" in watched.of(Notice)[0].text


def test_how_a_run_is_carried_out_may_change_between_two_starts(watched: Watched) -> None:
    watched.behave(conclude="error")
    watched.run(attempts=1)
    watched.behave()
    assert watched.run(attempts=5).phase is Phase.SUCCEEDED


def test_a_run_that_is_to_be_suspended_is_refused() -> None:
    resolved = order().resolved.model_copy(update={"suspend": True})
    with pytest.raises(BadInputError, match=r"spec\.suspend is true, .*; remove the field"):
        host.build_outline(resolved)


def test_a_full_disk_leaves_the_last_state_whole(watched: Watched) -> None:
    watched.behave(conclude="error")
    watched.run(attempts=1)
    before = watched.layout.state.read_bytes()
    # Everything written to /dev/full fails as on a full disk, and this is the file a state is written to first.
    watched.layout.state.with_name(".state.json.tmp").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        watched.run()
    assert watched.layout.state.read_bytes() == before
    watched.behave()
    assert watched.run().phase is Phase.SUCCEEDED


def test_a_disk_that_is_full_from_the_start_leaves_no_folder_behind(watched: Watched, tmp_path: Path) -> None:
    def full(event: Event) -> None:
        raise OSError(28, "No space left on device", "run.json")

    job = host.RunJob("tiny", order(), watched.layout, WORKER)
    with pytest.raises(OSError, match="No space left on device"):
        host.run(job, FastClock(), full)
    assert list(tmp_path.iterdir()) == []
