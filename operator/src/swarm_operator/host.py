"""Runs the reconcile loop around the pure half: watches and lists fill the cache, and plans are executed.

    watch, list, own writes -> cache -> queue -> observe -> reconcile -> steps, status, events

No run is reconciled before everything has been listed once. Only the holder of the Lease writes, and it lists
everything once more when it becomes the holder. One worker at a time reconciles a run. A reconcile that fails, with any
error, delays its own run only.

Limits: one event loop, no threads. If a task ends unexpectedly, the process ends, and Kubernetes starts it again.
"""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Coroutine
from typing import Any

from swarm_core import streams
from swarm_operator import executor, logs
from swarm_operator.api_client import lister, object_cache, workqueue
from swarm_operator.api_client.cluster import ApiError, Cluster, ConflictError, NotLeaderError
from swarm_operator.api_client.leader_election import LeaderElector
from swarm_operator.common.reconcile_plan import Object, ObservedRun, Plan
from swarm_operator.metrics import Metrics
from swarm_operator.settings import Settings

LOG = logging.getLogger(__name__)
Reconcile = Callable[[ObservedRun, float, Settings], Plan]
RECHECK_SECONDS = 1.0
"""Reconcile again so soon after a step, because its effect may allow the next one."""
SHUTDOWN_SECONDS = 4.0
"""Running reconciles may take this long to end when the operator stops."""
SILENT_LIST_PERIODS = 5
"""The process reports itself unhealthy after so many list periods without a response from the API server."""


class Host:
    """The tasks of one operator process."""

    def __init__(self, reconcile: Reconcile, settings: Settings, metrics: Metrics) -> None:
        self._reconcile, self._settings, self.metrics = reconcile, settings, metrics
        self.cache = object_cache.Cache()
        self.queue = workqueue.WorkQueue(settings.backoff_seconds, settings.backoff_cap_seconds, _jitter)
        self._may_write = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._last_heard = time.monotonic()
        self._logged_failures: dict[str, str] = {}
        """The last failure that was logged, by run."""

    def start(self, cluster: Cluster, elector: Cluster, reader: Cluster) -> None:
        """Start all tasks.

        `cluster` makes the calls of the leader, `elector` those for the Lease, and `reader` the lists.
        """
        settings = self._settings
        self.leader = LeaderElector(elector, settings.identity, settings.lease, time.monotonic)
        self.executor = executor.Executor(cluster, self.cache, time.monotonic, 5 * settings.list_seconds)
        self.lister = lister.Lister(reader, self.cache, settings.namespaces, self.queue.add)
        self._spawn(self.lister.list_periodically(settings.list_seconds, self._record_listing), "list")
        self._spawn(self._run_election(), "lease")
        self._leadership_task = self._spawn(self._follow_leadership(), "lead")
        for number in range(settings.workers):
            self._spawn(self._run_worker(), f"worker-{number}")

    async def stop(self) -> None:
        """Stop: let running reconciles end, then release the Lease."""
        self._leadership_task.cancel()  # otherwise it could let the workers write again
        self._may_write.clear()
        waited = 0.0
        while self.queue.busy and waited < SHUTDOWN_SECONDS:
            await asyncio.sleep(0.05)
            waited += 0.05
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.queue.close()
        await self.leader.release()

    def record(self, kind: str, change: str | None, manifest: Object) -> None:
        """Store the object of a watch event in the cache, and queue its run."""
        self._last_heard = time.monotonic()
        run = self.cache.record_deleted(kind, manifest) if change == "DELETED" else self.cache.record(kind, manifest)
        if run is not None:
            self.queue.add(run)

    def health(self) -> dict[str, Any]:
        """State for probes. Raises RuntimeError if the process must be restarted."""
        self._update_metrics()
        age = time.monotonic() - self._last_heard
        if age > SILENT_LIST_PERIODS * self._settings.list_seconds:
            raise RuntimeError(f"no response from the API server for {age:.0f} s")
        return {
            "leader": bool(self.leader.remaining()),
            "synced": self.lister.synced.is_set(),
            "queue": len(self.queue),
            "watchAgeSeconds": round(age, 1),
        }

    def _record_listing(self, corrections: int) -> None:
        self._last_heard = time.monotonic()
        self.metrics.list_corrections.inc(corrections)
        self._update_metrics()

    def _update_metrics(self) -> None:
        self.metrics.leader.set(bool(self.leader.remaining()))
        self.metrics.queue_depth.set(len(self.queue))
        self.metrics.watch_age.set(time.monotonic() - self._last_heard)
        self.metrics.count_runs(self.cache.runs())

    async def _run_election(self) -> None:
        await self.lister.synced.wait()
        await self.leader.run()

    async def _follow_leadership(self) -> None:
        """Let the workers write while this process is the leader, and stop them when it is not."""
        while True:
            await self.leader.wait_for_change()
            if not self.leader.remaining():
                self._may_write.clear()
                continue
            if not self._may_write.is_set() and await self._list_as_leader():
                self._may_write.set()

    async def _list_as_leader(self) -> bool:
        """List everything the earlier leader wrote. Returns False if leadership is lost meanwhile."""
        while self.leader.remaining():
            try:
                await self.lister.list_all()
            except ApiError as error:
                LOG.warning("could not list as the new leader: %s", error)
                await asyncio.sleep(lister.RETRY_SECONDS)
                continue
            for run in self.cache.runs():
                self.queue.add(object_cache.object_uid(run))
            return True
        return False

    async def _run_worker(self) -> None:
        while True:
            await self._may_write.wait()
            key = await self.queue.take()
            try:
                if self._may_write.is_set():
                    await self._reconcile_key(key)
                else:
                    self.queue.add(key)
            finally:
                self.queue.done(key)

    async def _reconcile_key(self, key: object_cache.RunKey) -> None:
        """Reconcile one run, count the outcome, and queue the run again after an error."""
        started = time.monotonic()
        try:
            outcome = await self._reconcile_once(key)
        except NotLeaderError:
            outcome = "not-leader"
            # Stop the workers before one of them takes the key again. Otherwise they would spin and starve other tasks.
            self._may_write.clear()
            self.queue.add(key)
        except ConflictError as error:
            outcome = "conflict"
            self._log_failure(key, error)
            self.queue.retry_later(key)
        except ApiError as error:
            outcome = "refused"
            self._log_failure(key, error)
            self.queue.retry_later(key, error.retry_after)
        except Exception as error:
            outcome = "fault"
            self._log_failure(key, error)
            self.queue.retry_later(key)
        self.metrics.reconciles.labels(outcome).inc()
        self.metrics.reconcile_seconds.observe(time.monotonic() - started)

    async def _reconcile_once(self, key: object_cache.RunKey) -> str:
        observed = self.cache.observe(key)
        observed = None if observed is None else await self.executor.explain(observed)
        plan = Plan() if observed is None else self._reconcile(observed, time.time(), self._settings)
        if observed is None or (object_cache.is_deleting(observed.run) and plan == Plan()):
            self.executor.forget(key)
            self.queue.forget(key)
            self._logged_failures.pop(key, None)
            return "gone"
        try:
            acted = await self.executor.execute(observed, plan)
        except ConflictError:
            await self.executor.refresh(observed.run)
            raise
        self.queue.reset_failures(key)
        self._logged_failures.pop(key, None)
        delays = [wait for wait in (RECHECK_SECONDS if acted else None, plan.wake_after) if wait is not None]
        if delays:
            self.queue.add_later(key, min(delays))
        return "done"

    def _log_failure(self, key: object_cache.RunKey, error: Exception) -> None:
        """Log a failed reconcile, once for all retries that fail in the same way."""
        text = f"{type(error).__name__}: {error}"
        if self._logged_failures.get(key) == text:
            return
        self._logged_failures[key] = text
        log = logs.for_run(LOG, self.cache.find_run(key))
        match error:
            case ConflictError():
                log.info("reconciles again after a conflict: %s", error)
            case ApiError():
                log.warning("could not be reconciled and is tried again: %s", error)
            case _:
                log.error("could not be reconciled and is tried again: %s", error, exc_info=error)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._stop_if_unexpected)
        self._tasks.append(task)
        return task

    def _stop_if_unexpected(self, task: "asyncio.Task[None]") -> None:
        if task in self._tasks and not task.cancelled():
            LOG.critical(
                "task %s ended unexpectedly: %s; stopping", task.get_name(), task.exception(), exc_info=task.exception()
            )
            os.kill(os.getpid(), signal.SIGTERM)  # kopf then runs its cleanup handler, which releases the Lease


def _jitter(key: str, failures: int) -> float:
    return streams.uniform(0, "operator", key, failures)
