"""Carries out the engine's actions with one warm worker process, and reports the outcome of every item.

It runs one item at a time, because a device has room for one. It ignores a launch while another item runs. The engine
repeats the launch until it sees the item running or done, so there is no queue here and no item is forgotten.

The engine does not count an attempt whose worker died (`Lost`). That is right when the machine was rebooted, but wrong
for an item that kills every worker. So the executor counts consecutive deaths, and reports the last one as an `Error`.
"""

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, assert_never

from swarm_core.engine.work import (
    Action,
    Cancel,
    Done,
    Failed,
    FailureReason,
    Launch,
    Observation,
    Observations,
    Receipt,
    Running,
    WorkItem,
)
from swarm_trainer.host.worker_process import WorkerExited, WorkerMessage
from swarm_trainer.worker.messages import FailedAttempt

MAX_DEATHS = 3
"""Consecutive worker deaths during one item after which the item itself is considered the cause."""

GRACE_SECONDS = 5.0
"""Seconds from SIGTERM to SIGKILL. It need not be longer: unpublished results are computed again."""


class WorkerHandle(Protocol):
    """The part of a worker process that the executor uses."""

    number: int

    def send_item(self, item: WorkItem) -> None:
        """Send one item. Does nothing if the worker has just died."""
        ...

    def end(self, grace: float) -> int:
        """End the process within about `grace` seconds; return the exit status."""
        ...


@dataclass(frozen=True, slots=True)
class ExecutorHooks:
    """The functions that an executor needs from its host."""

    start_worker: Callable[[int], WorkerHandle]
    """Starts the worker with this number. Raises OSError if it cannot be started."""
    receipt: Callable[[str], Receipt | None]
    """Returns the receipt that the store holds for the key of a work item, or None."""
    read_log_tail: Callable[[], str]
    """Returns the end of the worker's log on one line."""
    clock: Callable[[], float]
    """Returns the time in seconds since 1970-01-01 UTC."""


class Executor:
    """Runs the items of one run, one at a time, in a worker process."""

    def __init__(self, hooks: ExecutorHooks) -> None:
        self._hooks = hooks
        self._worker: WorkerHandle | None = None
        self._started_workers = 0
        self._running: tuple[WorkItem, float] | None = None
        self._ended: dict[str, Done | Failed] = {}
        self._deaths: dict[str, int] = {}

    def observe(self) -> Observations:
        """Return the state of every item launched here: done, failed or running."""
        items: dict[str, Observation] = dict(self._ended)
        if self._running is not None:
            item, since = self._running
            items[item.key] = Running(item.attempt, since)
        return Observations(items)

    def apply(self, actions: Sequence[Action]) -> None:
        """Carry out the actions that are possible now. Raises OSError if no worker can be started."""
        for action in actions:
            match action:
                case Launch(item):
                    self._launch(item)
                case Cancel():
                    self._cancel(action)
                case _:
                    assert_never(action)

    def receive(self, message: WorkerMessage | WorkerExited) -> None:
        """Process a message from the worker. Messages from earlier workers are ignored."""
        if self._worker is None or message.worker != self._worker.number:
            return
        match message:
            case WorkerMessage(_, Receipt() as receipt):
                self._finish(receipt.key, Done(receipt))
            case WorkerMessage(_, FailedAttempt(key, failed)):
                self._finish(key, replace(failed, at=self._hooks.clock()))
            case WorkerMessage():
                pass
            case WorkerExited():
                self._handle_exit(self._worker)
            case _:
                assert_never(message)

    def close(self) -> None:
        """End the worker, if there is one. Safe to call twice."""
        self._running = None
        if self._worker is not None:
            self._worker.end(GRACE_SECONDS)
            self._worker = None

    def _launch(self, item: WorkItem) -> None:
        if self._running is not None or isinstance(self._ended.get(item.key), Done):
            return
        if self._worker is None:
            self._started_workers += 1
            self._worker = self._hooks.start_worker(self._started_workers)
        self._ended.pop(item.key, None)
        self._running = (item, self._hooks.clock())
        self._worker.send_item(item)

    def _cancel(self, cancel: Cancel) -> None:
        if self._running is None or self._running[0].key != cancel.key:
            return
        attempt = self._running[0].attempt
        if cancel.attempt not in (None, attempt):
            return
        self.close()
        self._ended[cancel.key] = self._lost_attempt(attempt, f"ended by the host: {cancel.reason}")

    def _finish(self, key: str, observation: Done | Failed) -> None:
        if self._running is None or self._running[0].key != key:
            return
        self._running = None
        self._ended[key] = observation
        self._deaths.pop(key, None)

    def _handle_exit(self, worker: WorkerHandle) -> None:
        """Record the result of a worker that exited by itself: its item is done if the store has its receipt."""
        exit_status = worker.end(GRACE_SECONDS)
        self._worker = None
        if self._running is None:
            return
        item, _ = self._running
        self._running = None
        receipt = self._hooks.receipt(item.key)
        self._ended[item.key] = self._count_death(item, exit_status) if receipt is None else Done(receipt)

    def _count_death(self, item: WorkItem, exit_status: int) -> Failed:
        deaths = self._deaths.pop(item.key, 0) + 1
        message = f"the worker {describe_exit(exit_status)}"
        if deaths < MAX_DEATHS:
            self._deaths[item.key] = deaths
            return self._lost_attempt(item.attempt, message)
        explanation = f"{message}, {deaths} times in a row; its last words: {self._hooks.read_log_tail()}"
        return Failed(item.attempt, FailureReason.ERROR, explanation, self._hooks.clock())

    def _lost_attempt(self, attempt: int, message: str) -> Failed:
        return Failed(attempt, FailureReason.LOST, message, self._hooks.clock())


def describe_exit(exit_status: int) -> str:
    """Describe how a process ended. A negative `exit_status` is the number of a signal, as in `subprocess`."""
    if exit_status >= 0:
        return f"ended with exit code {exit_status}"
    name = signal.Signals(-exit_status).name
    hint = " (out of memory?)" if -exit_status == signal.SIGKILL else ""
    return f"was ended by {name}{hint}"
