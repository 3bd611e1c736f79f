"""The loop of the local host: observe, decide, save, act, wait. The engine makes every decision.

The loop saves a state before it acts on it. If a host is killed, the next one reads the last saved state, or starts
without one, and reaches the same result: finished items have receipts in the store, and all others are run again.
"""

import queue
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, assert_never

from swarm_core.engine import decide
from swarm_core.engine.phases import Phase
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import Done, Failed, FailureReason, Observations, Running
from swarm_trainer.host import run_events
from swarm_trainer.host.executor import Executor
from swarm_trainer.host.run_events import Event, Watcher
from swarm_trainer.host.worker_process import Inbox, InboxMessage, StopSignal, WorkerExited, WorkerMessage
from swarm_trainer.runtime.context import Progress


class Interrupted(Exception):  # noqa: N818 - nothing went wrong
    """A signal from the user or the system ended the host. The next `dataswarm run` resumes the run."""

    def __init__(self, signal: int) -> None:
        super().__init__(f"signal {signal}")
        self.signal = signal


class Clock(Protocol):
    """The time functions of a host."""

    def now(self) -> float:
        """Return the seconds since 1970-01-01 UTC. Saved states hold such times, so they must outlive the process."""
        ...

    def receive(self, inbox: Inbox, seconds: float) -> InboxMessage | None:
        """Return the next message from the inbox, or None if none arrives within `seconds`."""
        ...


class SystemClock:
    """The system clock."""

    def now(self) -> float:
        return time.time()

    def receive(self, inbox: Inbox, seconds: float) -> InboxMessage | None:
        try:
            return inbox.get(timeout=seconds)
        except queue.Empty:
            return None


@dataclass(frozen=True, slots=True)
class LoopContext:
    """Everything that the loop needs to run to its end."""

    outline: Outline
    executor: Executor
    inbox: Inbox
    clock: Clock
    save: Callable[[EngineState], None]
    """Writes a state to disk durably. Raises OSError."""
    watch: Watcher


def run_loop(run: LoopContext, state: EngineState) -> EngineState:
    """Continue the run from `state` to its end; return the final state.

    Raises Interrupted when a signal ends the host, and OSError when the state cannot be saved or no worker started.
    """
    if state.phase is not Phase.PENDING:
        run.watch(run_events.PhaseEntered(state.phase))
    while True:
        world = run.executor.observe()
        decision = decide.decide(run.outline, state, world, run.clock.now())
        if decision.state != state:
            run.save(decision.state)
        if decision.state.phase is not state.phase:
            run.watch(run_events.PhaseEntered(decision.state.phase))
        state = decision.state
        run.executor.apply(decision.actions)
        acted = run.executor.observe()
        notify(run.watch, world, acted)
        if acted != world:
            continue
        if decision.wake_after is None:
            return state
        wait_for_change(run, decision.wake_after)


def wait_for_change(run: LoopContext, seconds: float) -> None:
    """Wait until an observation changes, at most `seconds`. Progress messages go to the watcher and change nothing.

    Raises Interrupted when a stop signal arrives.
    """
    deadline = run.clock.now() + seconds
    before = run.executor.observe()
    while run.executor.observe() == before and (remaining := deadline - run.clock.now()) > 0:
        match run.clock.receive(run.inbox, remaining):
            case None:
                return
            case StopSignal(signal):
                raise Interrupted(signal)
            case WorkerMessage(_, Progress() as progress):
                run.watch(run_events.ItemProgressed(progress))
            case WorkerMessage() | WorkerExited() as message:
                run.executor.receive(message)
            case other:
                assert_never(other)
    notify(run.watch, before, run.executor.observe())


def notify(watch: Watcher, before: Observations, after: Observations) -> None:
    """Tell the watcher about every event between two observations."""
    for event in events_between(before, after):
        watch(event)


def events_between(before: Observations, after: Observations) -> Iterator[Event]:
    """Return the events that explain the difference between two observations."""
    for key, observation in after.items.items():
        if before.items.get(key) == observation:
            continue
        match observation:
            case Running(attempt):
                yield run_events.ItemStarted(key, attempt)
            case Done(receipt):
                yield run_events.ItemFinished(receipt)
            case Failed(_, FailureReason.BAD_INPUT, _):
                pass  # it fails the run, and the run reports the message
            case Failed(attempt, reason, message):
                yield run_events.Notice(f"{key}, attempt {attempt}: {reason}: {message}")
            case _:
                assert_never(observation)
