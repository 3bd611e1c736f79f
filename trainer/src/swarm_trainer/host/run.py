"""One call from a resolved spec to a finished run: take the folder, drive the engine, put the results in place.

What can be refused is refused before anything is written: the place, the lock, the experiment the folder belongs to.
"""

import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from types import FrameType

from swarm_core.api import defaults
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.engine import search
from swarm_core.engine import state as states
from swarm_core.engine.phases import Phase
from swarm_core.engine.plan import Outline
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import FailureReason, Kind, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.ports import ArtifactStore
from swarm_trainer.host import durable, events, folder, inputs, lock, results, tail
from swarm_trainer.host import status as statuses
from swarm_trainer.host.events import Watch
from swarm_trainer.host.executor import Executor, Site
from swarm_trainer.host.loop import Clock, Drive, drive
from swarm_trainer.host.process import Inbox, Stop, Worker
from swarm_trainer.verbs import receipts
from swarm_trainer.worker import session
from swarm_trainer.worker.layout import Layout

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends a host politely: Ctrl-C, a service manager, a terminal that is closed."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be run, and where."""

    name: str
    order: session.Order
    layout: Layout
    command: Sequence[str]
    """Starts a worker; `--run FOLDER` is added."""


def run(job: Job, clock: Clock, watch: Watch) -> EngineState:
    """Run `job` to its end, from wherever its folder stands; the state it ends in, Succeeded or Failed.

    Call it from the main thread: it takes the signals of `SIGNALS` while it lasts. Raises BadInputError when the folder
    cannot be had, `Interrupted` when a signal ends it, OSError or StoreError when storage refuses.
    """
    outline = outlined(job.order.resolved)
    folder.check(job.layout)
    fresh = not job.layout.root.exists()
    job.layout.root.mkdir(parents=True, exist_ok=True)
    end = None
    with lock.held(job.layout.lock):
        try:
            end = locked(job, outline, clock, watch)
        finally:
            if fresh and nothing_came_of_it(job.layout, end):
                shutil.rmtree(job.layout.root)
    return end


def locked(job: Job, outline: Outline, clock: Clock, watch: Watch) -> EngineState:
    """Run `job` in a folder that nobody else holds."""
    store = session.greeted(job.layout, job.order)
    identity = identify(job)
    prepared = receipts.stored(store, WorkItem(Kind.PREPARE).key) is not None
    folder.claim(job.layout, identity, prepared=prepared)
    if prepared:
        inputs.check(job.order, store)
    durable.replace(job.layout.order, job.order.to_bytes())
    watch(events.Began(job.name, job.layout.root, outline.iterations))
    inbox: Inbox = Inbox()
    executor = Executor(site(job, store, inbox, clock))

    def save(state: EngineState) -> None:
        durable.replace(job.layout.state, state.to_json().encode())
        durable.replace(job.layout.status, statuses.text(identity, outline, state))

    begin = recalled(job.layout, watch)
    save(begin)
    try:
        with stopping(inbox):
            end = drive(Drive(outline, executor, inbox, clock, save, watch), begin)
    finally:
        executor.close()
    if end.phase is Phase.SUCCEEDED:
        conclude(job.layout, store)
    return end


def conclude(layout: Layout, store: ArtifactStore) -> None:
    """Put the results of a run that succeeded into its folder."""
    concluded = receipts.stored(store, WorkItem(Kind.CONCLUDE).key)
    assert concluded is not None
    results.place(layout, store, concluded)


def recalled(layout: Layout, watch: Watch) -> EngineState:
    """The state to go on from: the last one saved, a failed run's reopened, and a new one where none can be read."""
    try:
        state = EngineState.from_json(layout.state.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return EngineState()
    except ValueError as error:
        watch(events.Noticed(f"{layout.state} cannot be read, so the run is derived from its receipts ({error})"))
        return EngineState()
    if state.phase is not Phase.FAILED:
        return state
    watch(events.Noticed("the run had failed; trying again where it did"))
    return states.reopen(state)


def nothing_came_of_it(layout: Layout, end: EngineState | None) -> bool:
    """Whether a run was refused before there was anything worth keeping: by its own input, or by a full disk."""
    if end is None:
        return not layout.state.exists()
    failure = end.failure
    return failure is not None and (failure.phase, failure.reason) == (Phase.PREPARING, FailureReason.BAD_INPUT)


def identify(job: Job) -> folder.Identity:
    """The experiment of `job`, as its folder keeps it."""
    resolved = job.order.resolved
    spec = resolved.model_dump(mode="json", by_alias=True, include=set(defaults.DIGESTED))
    return folder.Identity(job.name, defaults.spec_digest(resolved), spec, version("dataswarm"))


def outlined(resolved: ResolvedSpec) -> Outline:
    """What the engine knows of a spec. Raises BadInputError for a run that is to be suspended."""
    if resolved.suspend:
        raise BadInputError("spec.suspend: true holds the run; remove it, and stop a run on one machine with Ctrl-C")
    return search.outline(resolved)


def site(job: Job, store: ArtifactStore, inbox: Inbox, clock: Clock) -> Site:
    """What the executor stands on: worker processes, the store's receipts, the log, the clock."""
    command = [*job.command, "--run", str(job.layout.root)]
    return Site(
        hire=lambda number: Worker(command, job.layout.log, inbox, number),
        receipt=lambda key: receipts.stored(store, key),
        last_words=lambda: tail.last_words(job.layout.log),
        clock=clock.now,
    )


@contextmanager
def stopping(inbox: Inbox) -> Iterator[None]:
    """Turn signals into `Stop`s in the inbox, so that nothing is ever interrupted in the middle."""

    def stop(number: int, _: FrameType | None) -> None:
        inbox.put(Stop(number))

    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
