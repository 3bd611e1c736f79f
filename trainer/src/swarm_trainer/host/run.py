"""Runs a resolved spec to its end: claims the folder, drives the engine, installs the results.

A folder that cannot be used, a lock that is held and a folder of another experiment are refused before any file of the
run is written.
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
from swarm_core.api.resolved import ResolvedRun
from swarm_core.engine import state as states
from swarm_core.engine.phases import Phase
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import FailureReason, Kind, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.ports import ArtifactStore
from swarm_core.programs import program_protocol
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
"""The signals that stop a host in an orderly way: Ctrl-C, a service manager, a closed terminal."""

CHECKED_BY_WORKER = frozenset({UriRole.BASE, UriRole.TAKER_MODEL, UriRole.EMBEDDER, UriRole.CLASSIFIER})
"""Inputs that the host does not check, because they are large and the worker hashes them before use."""


@dataclass(frozen=True, slots=True)
class RunJob:
    """One run and its folder."""

    name: str
    worker_spec: session.WorkerSpec
    layout: Layout
    command: Sequence[str]
    """The command that starts a worker; the host appends `--run FOLDER`."""


def run(job: RunJob, clock: Clock, watch: Watcher) -> EngineState:
    """Run `job` to its end, or resume it from its folder; return the final state, Succeeded or Failed.

    Call it from the main thread, because it installs handlers for `SIGNALS` while it runs. Raises BadInputError if the
    folder cannot be used, `Interrupted` if a signal ends the run, OSError or StoreError if storage fails.
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


def claim_folder(job: RunJob, identity: run_folder.RunIdentity, store: ArtifactStore) -> None:
    """Claim the folder for this run, and write the worker's spec. Raises BadInputError if it belongs to another run."""
    prepared = receipt_store.load(store, WorkItem(Kind.PREPARE).key) is not None
    run_folder.claim(job.layout, identity, prepared=prepared)
    if prepared:
        check_inputs(job.worker_spec, store)
    atomic_file.replace(job.layout.worker_spec, job.worker_spec.to_bytes())


def run_locked(job: RunJob, outline: Outline, clock: Clock, watch: Watcher) -> EngineState:
    """Run `job` in its folder, whose lock this process holds. Raises as `run` does."""
    store = session.open_reachable_store(job.layout, job.worker_spec)
    identity = build_identity(job)
    claim_folder(job, identity, store)
    watch(run_events.RunStarted(job.name, job.layout.root, outline.iterations))
    inbox: Inbox = Inbox()
    executor = Executor(build_executor_hooks(job, store, inbox, clock))

    def save(state: EngineState) -> None:
        atomic_file.replace(job.layout.state, state.to_json().encode())
        atomic_file.replace(
            job.layout.status, run_folder.format_status(identity, job.worker_spec.resolved.kind, outline, state)
        )

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
    """Install the results of a run that succeeded in its folder. Raises StoreError, CorruptError or OSError."""
    concluded = receipt_store.load(store, WorkItem(Kind.CONCLUDE).key)
    assert concluded is not None
    results.install(layout, store, concluded)


def load_state(layout: Layout, watch: Watcher) -> EngineState:
    """Return the state to resume from: the last saved one (a failed one reopened), or a new one if none is readable."""
    try:
        state = EngineState.from_json(layout.state.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return EngineState()
    except ValueError as error:
        watch(run_events.Notice(f"{layout.state} cannot be read ({error}); the state is derived from the receipts"))
        return EngineState()
    if state.phase is not Phase.FAILED:
        return state
    watch(run_events.Notice("the run failed before; it resumes at the item that failed"))
    return states.reopen(state)


def is_disposable(layout: Layout, end_state: EngineState | None) -> bool:
    """Return whether a new run ended before it produced anything: its input was refused, or no state was saved."""
    if end_state is None:
        return not layout.state.exists()
    failure = end_state.failure
    return failure is not None and (failure.phase, failure.reason) == (Phase.PREPARING, FailureReason.BAD_INPUT)


def build_identity(job: RunJob) -> run_folder.RunIdentity:
    """Return the identity of the experiment of `job`, as `run.json` stores it."""
    resolved = job.worker_spec.resolved
    spec = resolution.identity_fields(resolved)
    return run_folder.RunIdentity(job.name, resolution.spec_digest(resolved), spec, version("dataswarm"))


def build_outline(resolved: ResolvedRun) -> Outline:
    """Return what the engine knows of a spec. Raises BadInputError if the spec suspends the run."""
    if resolved.suspend:
        raise BadInputError(
            "spec.suspend is true, so the run would not start; remove the field (Ctrl-C stops a run on this machine)"
        )
    return program_protocol.build_outline(resolved)


def build_executor_hooks(job: RunJob, store: ArtifactStore, inbox: Inbox, clock: Clock) -> ExecutorHooks:
    """Return the executor's hooks: worker processes, the receipts of the store, the log and the clock."""
    command = [*job.command, "--run", str(job.layout.root)]
    return ExecutorHooks(
        start_worker=lambda number: WorkerProcess(command, job.layout.log, inbox, number),
        receipt=lambda key: receipt_store.load(store, key),
        read_log_tail=lambda: read_log_tail(job.layout.log),
        clock=clock.now,
    )


@contextmanager
def queue_signals(inbox: Inbox) -> Iterator[None]:
    """During the `with` block, put a `StopSignal` into the inbox for each signal, so that no step is interrupted."""

    def stop(number: int, _: FrameType | None) -> None:
        inbox.put(StopSignal(number))

    previous_handlers = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
