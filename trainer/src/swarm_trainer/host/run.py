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

from swarm_core.api import resolution
from swarm_core.api.resolution import UriRole
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.engine import search_settings
from swarm_core.engine import state as states
from swarm_core.engine.phases import Phase
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import FailureReason, Kind, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.ports import ArtifactStore
from swarm_trainer.host import atomic_file, lock, results, run_events, run_folder
from swarm_trainer.host.executor import Executor, ExecutorHooks
from swarm_trainer.host.loop import Clock, LoopContext, run_loop
from swarm_trainer.host.run_events import Watcher
from swarm_trainer.host.worker_process import Inbox, StopSignal, WorkerProcess, read_log_tail
from swarm_trainer.maintenance import fork_origin
from swarm_trainer.run_store import pins, receipt_store
from swarm_trainer.runtime import inputs
from swarm_trainer.sources import source_uri
from swarm_trainer.worker import session
from swarm_trainer.worker.layout import Layout

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends a host politely: Ctrl-C, a service manager, a terminal that is closed."""

CHECKED_BY_WORKER = frozenset({UriRole.BASE, UriRole.TAKER_MODEL, UriRole.EMBEDDER})
"""Large, and hashed by the worker before they are used."""


@dataclass(frozen=True, slots=True)
class RunJob:
    """What is to be run, and where."""

    name: str
    worker_spec: session.WorkerSpec
    layout: Layout
    command: Sequence[str]
    """Starts a worker; `--run FOLDER` is added."""


def run(job: RunJob, clock: Clock, watch: Watcher) -> EngineState:
    """Run `job` to its end, from wherever its folder stands; the state it ends in, Succeeded or Failed.

    Call it from the main thread: it takes the signals of `SIGNALS` while it lasts. Raises BadInputError when the folder
    cannot be had, `Interrupted` when a signal ends it, OSError or StoreError when storage refuses.
    """
    outline = build_outline(job.worker_spec.resolved)
    run_folder.check(job.layout)
    fresh = not job.layout.root.exists()
    job.layout.root.mkdir(parents=True, exist_ok=True)
    end_state = None
    with lock.hold(job.layout.lock):
        try:
            end_state = run_locked(job, outline, clock, watch)
        finally:
            if fresh and is_disposable(job.layout, end_state):
                shutil.rmtree(job.layout.root)
    return end_state


def run_locked(job: RunJob, outline: Outline, clock: Clock, watch: Watcher) -> EngineState:
    """Run `job` in a folder that nobody else holds."""
    store = session.open_reachable_store(job.layout, job.worker_spec)
    identity = build_identity(job)
    prepared = receipt_store.load(store, WorkItem(Kind.PREPARE).key) is not None
    run_folder.claim(job.layout, identity, prepared=prepared)
    if prepared:
        check_inputs(job.worker_spec, store)
    atomic_file.replace(job.layout.worker_spec, job.worker_spec.to_bytes())
    watch(run_events.RunStarted(job.name, job.layout.root, outline.iterations))
    inbox: Inbox = Inbox()
    executor = Executor(build_executor_hooks(job, store, inbox, clock))

    def save(state: EngineState) -> None:
        atomic_file.replace(job.layout.state, state.to_json().encode())
        atomic_file.replace(job.layout.status, run_folder.format_status(identity, outline, state))

    state = load_state(job.layout, watch)
    save(state)
    try:
        with queue_signals(inbox):
            end_state = run_loop(LoopContext(outline, executor, inbox, clock, save, watch), state)
    finally:
        executor.close()
    if end_state.phase is Phase.SUCCEEDED:
        install_results(job.layout, store)
    return end_state


def check_inputs(worker_spec: session.WorkerSpec, store: ArtifactStore) -> None:
    """Check that the inputs on this machine still are those the run began with.

    A run works with what `prepare` pinned, so a changed seed file would not change it. But the user who changed the
    file expects an effect, and going on in silence would hide that there is none. Remote inputs are not fetched for
    this: the run uses the version it pinned, and any later fetch compares its digest.

    Raises BadInputError naming the first input that differs.
    """
    pinned = pins.load(store)
    for use in resolution.list_uris(worker_spec.resolved):
        if use.role in CHECKED_BY_WORKER or use.uri not in pinned or source_uri.is_remote(use.uri):
            continue
        pins.check(use, inputs.hash_input(use, inputs.resolve_path(use.uri, worker_spec.base_folder)), pinned[use.uri])
    fork_origin.check(worker_spec.resolved, store)
    pins.check_experiment(worker_spec.resolved, store)


def install_results(layout: Layout, store: ArtifactStore) -> None:
    """Put the results of a run that succeeded into its folder."""
    concluded = receipt_store.load(store, WorkItem(Kind.CONCLUDE).key)
    assert concluded is not None
    results.install(layout, store, concluded)


def load_state(layout: Layout, watch: Watcher) -> EngineState:
    """The state to go on from: the last one saved, a failed run's reopened, and a new one where none can be read."""
    try:
        state = EngineState.from_json(layout.state.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return EngineState()
    except ValueError as error:
        watch(run_events.Notice(f"{layout.state} cannot be read, so the run is derived from its receipts ({error})"))
        return EngineState()
    if state.phase is not Phase.FAILED:
        return state
    watch(run_events.Notice("the run had failed; trying again where it did"))
    return states.reopen(state)


def is_disposable(layout: Layout, end_state: EngineState | None) -> bool:
    """Whether a run was refused before there was anything worth keeping: by its own input, or by a full disk."""
    if end_state is None:
        return not layout.state.exists()
    failure = end_state.failure
    return failure is not None and (failure.phase, failure.reason) == (Phase.PREPARING, FailureReason.BAD_INPUT)


def build_identity(job: RunJob) -> run_folder.RunIdentity:
    """The experiment of `job`, as its folder keeps it."""
    resolved = job.worker_spec.resolved
    spec = resolved.model_dump(mode="json", by_alias=True, include=set(resolution.DIGESTED_FIELDS))
    return run_folder.RunIdentity(job.name, resolution.spec_digest(resolved), spec, version("dataswarm"))


def build_outline(resolved: ResolvedSpec) -> Outline:
    """What the engine knows of a spec. Raises BadInputError for a run that is to be suspended."""
    if resolved.suspend:
        raise BadInputError("spec.suspend: true holds the run; remove it, and stop a run on one machine with Ctrl-C")
    return search_settings.build_outline(resolved)


def build_executor_hooks(job: RunJob, store: ArtifactStore, inbox: Inbox, clock: Clock) -> ExecutorHooks:
    """What the executor stands on: worker processes, the store's receipts, the log, the clock."""
    command = [*job.command, "--run", str(job.layout.root)]
    return ExecutorHooks(
        start_worker=lambda number: WorkerProcess(command, job.layout.log, inbox, number),
        receipt=lambda key: receipt_store.load(store, key),
        read_log_tail=lambda: read_log_tail(job.layout.log),
        clock=clock.now,
    )


@contextmanager
def queue_signals(inbox: Inbox) -> Iterator[None]:
    """Turn signals into `StopSignal`s in the inbox, so that nothing is ever interrupted in the middle."""

    def stop(number: int, _: FrameType | None) -> None:
        inbox.put(StopSignal(number))

    previous_handlers = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
