"""The executor, with workers that are fakes: what the engine asks for, what it is told."""

from dataclasses import dataclass, field

import pytest

from swarm_core.engine.work import (
    Cancel,
    CancelReason,
    Done,
    Failed,
    FailureReason,
    Kind,
    Launch,
    Receipt,
    Running,
    WorkItem,
)
from swarm_trainer.host.executor import MAX_DEATHS, Executor, ExecutorHooks, WorkerHandle, describe_exit
from swarm_trainer.host.worker_process import WorkerExited, WorkerMessage
from swarm_trainer.runtime.context import Progress
from swarm_trainer.worker.messages import FailedAttempt

ITEM = WorkItem(Kind.TRAIN, index=0)
OTHER = WorkItem(Kind.TRAIN, index=1)
NOW = 1000.0


@dataclass
class FakeWorker:
    """A worker that remembers what it was told."""

    number: int
    given: list[WorkItem] = field(default_factory=list)
    over: bool = False

    def send_item(self, item: WorkItem) -> None:
        assert not self.over
        self.given.append(item)

    def end(self, grace: float) -> int:
        self.over = True
        return -9


@dataclass
class Place:
    """An executor among fakes."""

    workers: list[FakeWorker] = field(default_factory=list)
    receipts: dict[str, Receipt] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.executor = Executor(ExecutorHooks(self.start_worker, self.receipts.get, lambda: "Killed", lambda: NOW))

    def start_worker(self, number: int) -> WorkerHandle:
        self.workers.append(FakeWorker(number))
        return self.workers[-1]

    def launch(self, item: WorkItem = ITEM) -> None:
        self.executor.apply([Launch(item)])

    def die(self) -> None:
        self.executor.receive(WorkerExited(self.workers[-1].number))

    def seen(self, item: WorkItem = ITEM) -> object:
        return self.executor.observe().items.get(item.key)


def test_a_launched_item_is_given_to_a_worker_and_seen_running() -> None:
    place = Place()
    place.launch()
    assert place.workers[0].given == [ITEM]
    assert place.seen() == Running(1, NOW)


def test_launching_again_what_runs_changes_nothing() -> None:
    place = Place()
    place.launch()
    place.launch()
    assert place.workers[0].given == [ITEM]


def test_a_second_item_waits_until_it_is_asked_for_again() -> None:
    place = Place()
    place.executor.apply([Launch(ITEM), Launch(OTHER)])
    assert place.seen(OTHER) is None
    place.executor.receive(WorkerMessage(1, Receipt(ITEM.key)))
    place.launch(OTHER)
    assert place.workers[0].given == [ITEM, OTHER]


def test_a_receipt_makes_an_item_done_for_good() -> None:
    place = Place()
    place.launch()
    place.executor.receive(WorkerMessage(1, Receipt(ITEM.key)))
    place.launch()
    assert place.seen() == Done(Receipt(ITEM.key))


def test_a_reported_failure_is_seen_with_its_time_until_the_next_attempt() -> None:
    place = Place()
    place.launch()
    place.executor.receive(WorkerMessage(1, FailedAttempt(ITEM.key, Failed(1, FailureReason.ERROR, "no"))))
    assert place.seen() == Failed(1, FailureReason.ERROR, "no", NOW)
    place.launch(WorkItem(Kind.TRAIN, index=0, attempt=2))
    assert place.seen() == Running(2, NOW)


def test_progress_changes_nothing_that_is_seen() -> None:
    place = Place()
    place.launch()
    place.executor.receive(WorkerMessage(1, Progress(ITEM.key, "halfway")))
    assert place.seen() == Running(1, NOW)


def test_an_item_whose_worker_died_is_lost_and_the_next_launch_hires_another() -> None:
    place = Place()
    place.launch()
    place.die()
    assert place.seen() == Failed(1, FailureReason.LOST, "the worker was ended by SIGKILL (out of memory?)", NOW)
    place.launch()
    assert [worker.number for worker in place.workers] == [1, 2]


def test_an_item_whose_receipt_stands_is_done_though_its_worker_died_before_saying_so() -> None:
    place = Place(receipts={ITEM.key: Receipt(ITEM.key)})
    place.launch()
    place.die()
    assert place.seen() == Done(Receipt(ITEM.key))


def test_deaths_in_a_row_are_the_items_own_fault() -> None:
    place = Place()
    seen = []
    for _ in range(MAX_DEATHS + 1):
        place.launch()
        place.die()
        seen.append(place.seen())
    reasons = [failed.reason for failed in seen if isinstance(failed, Failed)]
    lost, error = FailureReason.LOST, FailureReason.ERROR
    assert reasons == [lost] * (MAX_DEATHS - 1) + [error, lost]
    last = seen[MAX_DEATHS - 1]
    assert isinstance(last, Failed)
    assert "3 times in a row; its last words: Killed" in last.message


def test_an_attempt_that_ended_otherwise_breaks_the_row_of_deaths() -> None:
    place = Place()
    for _ in range(MAX_DEATHS - 1):
        place.launch()
        place.die()
    place.launch()
    place.executor.receive(WorkerMessage(MAX_DEATHS, FailedAttempt(ITEM.key, Failed(1, FailureReason.ERROR, "no"))))
    place.launch()
    place.die()
    seen = place.seen()
    assert isinstance(seen, Failed)
    assert seen.reason is FailureReason.LOST


def test_an_idle_workers_death_is_nobodys_failure() -> None:
    place = Place()
    place.launch()
    place.executor.receive(WorkerMessage(1, Receipt(ITEM.key)))
    place.die()
    place.launch(OTHER)
    assert place.seen(OTHER) == Running(1, NOW)
    assert place.workers[1].given == [OTHER]


def test_a_cancel_ends_the_worker_and_shows_the_attempt_lost() -> None:
    place = Place()
    place.launch()
    place.executor.apply([Cancel(ITEM.key, CancelReason.DEADLINE, 1)])
    assert place.workers[0].over
    assert place.seen() == Failed(1, FailureReason.LOST, "ended by the host: DeadlineExceeded", NOW)


@pytest.mark.parametrize(
    "cancel",
    [
        pytest.param(Cancel(OTHER.key, CancelReason.UNWANTED), id="another item"),
        pytest.param(Cancel(ITEM.key, CancelReason.SUPERSEDED, 7), id="another attempt"),
    ],
)
def test_a_cancel_of_what_does_not_run_changes_nothing(cancel: Cancel) -> None:
    place = Place()
    place.launch()
    place.executor.apply([cancel])
    assert not place.workers[0].over
    assert place.seen() == Running(1, NOW)


def test_what_a_cancelled_worker_still_said_no_longer_counts() -> None:
    place = Place()
    place.launch()
    place.executor.apply([Cancel(ITEM.key, CancelReason.DEADLINE)])
    place.launch()
    place.executor.receive(WorkerMessage(1, FailedAttempt(ITEM.key, Failed(1, FailureReason.ERROR, "old"))))
    place.executor.receive(WorkerExited(1))
    assert place.seen() == Running(1, NOW)
    assert not place.workers[1].over


def test_closing_ends_the_worker_and_may_be_done_twice() -> None:
    place = Place()
    place.launch()
    place.executor.close()
    place.executor.close()
    assert place.workers[0].over
    assert place.executor.observe().items == {}


@pytest.mark.parametrize(
    ("status", "words"),
    [(0, "ended with exit code 0"), (1, "ended with exit code 1"), (-15, "was ended by SIGTERM")],
)
def test_the_end_of_a_process_is_told_in_words(status: int, words: str) -> None:
    assert describe_exit(status) == words
