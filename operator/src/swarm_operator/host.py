"""The shell around the pure half: what it is told goes into the cache, and what follows from the cache is carried out.

    watch, list, own writes -> cache -> queue -> observe -> reconcile -> steps, status, events

Nothing begins before everything was listed once; nothing is written but by the holder of the Lease, which lists once
more when it becomes that. Every run is reconciled by one worker at a time, and a reconcile that fails, of whatever
error, delays its own run only.

Limits: one event loop, no threads. A task that ends without being asked to ends the process, which is started again.
"""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Coroutine
from typing import Any

from swarm_core import streams
from swarm_operator import executor, metrics
from swarm_operator.api_client import lister, object_cache, workqueue
from swarm_operator.api_client.cluster import ApiError, Cluster, ConflictError, NotLeaderError
from swarm_operator.api_client.leader_election import LeaderElector
from swarm_operator.common.reconcile_plan import Object, ObservedRun, Plan
from swarm_operator.settings import Settings

LOG = logging.getLogger(__name__)
Reconcile = Callable[[ObservedRun, float, Settings], Plan]
RECHECK_SECONDS = 1.0
"""Look again so soon after a step: what it changed may ask for the next one."""
SHUTDOWN_SECONDS = 4.0
"""What is being carried out when the operator stops may take so long to end."""
SILENT_LIST_PERIODS = 5
"""So many listing periods without a word from the API server, and this process had better be started again."""


class Host:
    """One operator process."""

    def __init__(self, reconcile: Reconcile, settings: Settings, figures: metrics.Metrics) -> None:
        self._reconcile, self._settings, self.figures = reconcile, settings, figures
        self.cache = object_cache.Cache()
        self.queue = workqueue.WorkQueue(settings.backoff_seconds, settings.backoff_cap_seconds, _jitter)
        self._may_write = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._last_heard = time.monotonic()

    def start(self, cluster: Cluster, elector: Cluster, reader: Cluster) -> None:
        """Begin. Calls of `cluster` are for the leader only, those of `elector` are for the Lease."""
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
        """End: what is being carried out first, then the Lease."""
        self._leadership_task.cancel()  # or it would open the gate again
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
        """A watch tells of an object."""
        self._last_heard = time.monotonic()
        run = self.cache.record_deleted(kind, manifest) if change == "DELETED" else self.cache.record(kind, manifest)
        if run is not None:
            self.queue.add(run)

    def health(self) -> dict[str, Any]:
        """For probes. Raises RuntimeError when this process is of no use any more."""
        self._update_metrics()
        age = time.monotonic() - self._last_heard
        if age > SILENT_LIST_PERIODS * self._settings.list_seconds:
            raise RuntimeError(f"nothing was heard from the API server for {age:.0f} s")
        return {
            "leader": bool(self.leader.remaining()),
            "synced": self.lister.synced.is_set(),
            "queue": len(self.queue),
            "watchAgeSeconds": round(age, 1),
        }

    def _record_listing(self, corrections: int) -> None:
        self._last_heard = time.monotonic()
        self.figures.list_corrections.inc(corrections)
        self._update_metrics()

    def _update_metrics(self) -> None:
        self.figures.leader.set(bool(self.leader.remaining()))
        self.figures.queue_depth.set(len(self.queue))
        self.figures.watch_age.set(time.monotonic() - self._last_heard)
        self.figures.count_runs(self.cache.runs())

    async def _run_election(self) -> None:
        await self.lister.synced.wait()
        await self.leader.run()

    async def _follow_leadership(self) -> None:
        """Open the gate for the workers while we lead, and close it when we do not."""
        while True:
            await self.leader.wait_for_change()
            if not self.leader.remaining():
                self._may_write.clear()
                continue
            if not self._may_write.is_set() and await self._list_as_leader():
                self._may_write.set()

    async def _list_as_leader(self) -> bool:
        """Whether we know all that the leader before us wrote."""
        while self.leader.remaining():
            try:
                await self.lister.list_all()
            except ApiError as error:
                LOG.warning("listing as the new leader: %s", error)
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
        """Reconcile one run, whatever becomes of it."""
        started = time.monotonic()
        try:
            outcome = await self._reconcile_once(key)
        except NotLeaderError:
            outcome = "not-leader"
            # Close the gate before another worker takes the key again. Otherwise the loop spins and starves other tasks.
            self._may_write.clear()
            self.queue.add(key)
        except ConflictError as error:
            outcome = "conflict"
            LOG.info("%s", error)
            self.queue.retry_later(key)
        except ApiError as error:
            outcome = "refused"
            LOG.warning("%s", error)
            self.queue.retry_later(key, error.retry_after)
        except Exception:
            outcome = "fault"
            LOG.exception("run %s", key)
            self.queue.retry_later(key)
        self.figures.reconciles.labels(outcome).inc()
        self.figures.reconcile_seconds.observe(time.monotonic() - started)

    async def _reconcile_once(self, key: object_cache.RunKey) -> str:
        observed = self.cache.observe(key)
        plan = Plan() if observed is None else self._reconcile(observed, time.time(), self._settings)
        if observed is None or (object_cache.is_deleting(observed.run) and plan == Plan()):
            self.executor.forget(key)
            self.queue.forget(key)
            return "gone"
        try:
            acted = await self.executor.execute(observed, plan)
        except ConflictError:
            await self.executor.refresh(observed.run)
            raise
        self.queue.reset_failures(key)
        delays = [wait for wait in (RECHECK_SECONDS if acted else None, plan.wake_after) if wait is not None]
        if delays:
            self.queue.add_later(key, min(delays))
        return "done"

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._stop_if_unexpected)
        self._tasks.append(task)
        return task

    def _stop_if_unexpected(self, task: "asyncio.Task[None]") -> None:
        if task in self._tasks and not task.cancelled():
            LOG.critical("%s ended: %s; stopping", task.get_name(), task.exception(), exc_info=task.exception())
            os.kill(os.getpid(), signal.SIGTERM)


def _jitter(key: str, failures: int) -> float:
    return streams.uniform(0, "operator", key, failures)
