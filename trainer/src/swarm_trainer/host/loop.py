"""The loop of the embedded host: observe, decide, save, act, wait; the engine decides everything.

The state is saved before it is acted upon. A host killed anywhere is followed by one that reads the last state, or
none, and ends in the same result: what was done has its receipt, and what was not is done again.
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
    """The user, or the machine, ended the host. The run goes on when it is run again."""

    def __init__(self, signal: int) -> None:
        super().__init__(f"signal {signal}")
        self.signal = signal


class Clock(Protocol):
    """Time, as far as a host needs it."""

    def now(self) -> float:
        """Seconds since 1970-01-01 UTC: states outlive processes."""
        ...

    def receive(self, inbox: Inbox, seconds: float) -> InboxMessage | None:
        """The next thing heard, or None when nothing has been for so long."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()

    def receive(self, inbox: Inbox, seconds: float) -> InboxMessage | None:
        try:
            return inbox.get(timeout=seconds)
        except queue.Empty:
            return None


@dataclass(frozen=True, slots=True)
class LoopContext:
    """What the loop drives a run with."""

    outline: Outline
    executor: Executor
    inbox: Inbox
    clock: Clock
    save: Callable[[EngineState], None]
    """Makes a state durable. Raises OSError."""
    watch: Watcher


def run_loop(run: LoopContext, state: EngineState) -> EngineState:
    """Carry the run on from `state` to its end. Raises Interrupted, and OSError when storage refuses."""
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
    """Until the world has changed, or for so long. Progress is passed on and changes nothing."""
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
    for event in events_between(before, after):
        watch(event)


def events_between(before: Observations, after: Observations) -> Iterator[Event]:
    """What happened between two observations, in words for people."""
    for key, observation in after.items.items():
        if before.items.get(key) == observation:
            continue
        match observation:
            case Running(attempt):
                yield run_events.ItemStarted(key, attempt)
            case Done(receipt):
                yield run_events.ItemFinished(receipt)
            case Failed(_, FailureReason.BAD_INPUT, _):
                pass  # it ends the run, which says so
            case Failed(attempt, reason, message):
                yield run_events.Notice(f"{key}, attempt {attempt}: {reason}: {message}")
            case _:
                assert_never(observation)
