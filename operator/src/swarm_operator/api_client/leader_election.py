"""Elects the one process that may write: the holder of a Lease, for as long as no other process can hold it.

Promises:
  - A holder stops writing (`remaining` is 0) before another process takes the Lease. The holder counts from the moment
    *before* it sent its last renewal, and stops a margin early. The other process counts from the moment *after* it saw
    that renewal, and waits for the whole duration.
  - No two clocks are compared. Each process measures with its own clock how long the Lease has not changed.
  - A Lease is changed only in the version that was read, so of two processes that try, one wins.
  - A clean stop releases the Lease, and another process takes it with its next attempt.

Limits: the election does not notice a process that is suspended after it has read its clock and before it sends. The
names, uids and versions in its calls make such a late write harmless.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from swarm_operator.api_client.cluster import (
    AlreadyExistsError,
    ApiError,
    Cluster,
    ConflictError,
    NotFoundError,
    ObjectReference,
)
from swarm_operator.common.reconcile_plan import Object
from swarm_operator.settings import LeaseSettings

LOG = logging.getLogger(__name__)


class LeaderElector:
    """One candidate for the Lease."""

    def __init__(self, cluster: Cluster, identity: str, settings: LeaseSettings, clock: Callable[[], float]) -> None:
        """-"""
        self._cluster, self._identity, self._settings, self._clock = cluster, identity, settings, clock
        self._target = ObjectReference("Lease", settings.namespace, settings.name)
        self._lease: Object | None = None
        """The Lease as this process last read or wrote it. None: read it before the next write."""
        self._until = 0.0
        """This process may write before this moment of its clock."""
        self._last_version: tuple[Any, ...] | None = None
        self._last_version_at = 0.0
        self._reported_leader = False
        """Leadership as the last log line reported it."""
        self._round_ended = asyncio.Event()

    def remaining(self) -> float:
        """Seconds in which this process may still write. 0 if it is not the leader."""
        return max(0.0, self._until - self._clock())

    async def wait_for_change(self) -> None:
        """Return when leadership may have changed: after the next attempt, or when the time of the Lease is up."""
        self._round_ended.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._round_ended.wait(), self.remaining() or None)

    async def run(self) -> None:
        """Acquire the Lease and renew it, forever."""
        while True:
            await self.try_once()
            await asyncio.sleep(self._settings.renew_seconds)

    async def try_once(self) -> None:
        """Read the Lease once, and acquire or renew it if possible.

        Logs errors of the API server and does not raise them.
        """
        try:
            await self._attempt()
        except (ConflictError, AlreadyExistsError):
            self._lease = None  # another process was faster; read the Lease again
        except ApiError as error:
            self._lease = None
            LOG.warning("Lease %s: %s", self._target, error)
        if self._reported_leader != bool(self.remaining()):
            self._reported_leader = not self._reported_leader
            LOG.info("%s %s leader", self._identity, "is" if self._reported_leader else "is no longer")
        self._round_ended.set()

    async def release(self) -> None:
        """Release the Lease if this process holds it. Logs errors of the API server and does not raise them."""
        if not self.remaining() or self._lease is None:
            return
        self._until = 0.0
        try:
            await self._write(self._lease, {"holderIdentity": None, "leaseDurationSeconds": 1})
        except ApiError as error:
            LOG.warning(
                "Lease %s could not be released; other processes wait until it expires: %s", self._target, error
            )

    async def _attempt(self) -> None:
        sent_at = self._clock()  # before the call: then this process stops early rather than late
        lease = self._lease
        if lease is None:
            try:
                lease = await self._cluster.read(self._target)
            except NotFoundError:
                self._hold(await self._cluster.create(self._manifest()), sent_at)
                return
        holder = lease["spec"].get("holderIdentity")
        if holder == self._identity:
            self._hold(await self._write(lease, {"renewTime": _format_now()}), sent_at)
        elif not holder or self._seconds_unchanged(lease) > (lease["spec"].get("leaseDurationSeconds") or 0):
            sent_at = self._clock()
            transitions = (lease["spec"].get("leaseTransitions") or 0) + 1
            self._hold(await self._write(lease, {**self._spec(), "leaseTransitions": transitions}), sent_at)
        else:
            self._until, self._lease = 0.0, None

    def _hold(self, lease: Object, sent_at: float) -> None:
        self._lease = lease
        self._until = sent_at + self._settings.seconds - self._settings.margin_seconds

    def _seconds_unchanged(self, lease: Object) -> float:
        """Seconds since this process first saw this version of the Lease."""
        version = (lease["metadata"]["uid"], lease["metadata"]["resourceVersion"])
        if version != self._last_version:
            self._last_version, self._last_version_at = version, self._clock()
        return self._clock() - self._last_version_at

    async def _write(self, lease: Object, spec: dict[str, Any]) -> Object:
        metadata = {name: lease["metadata"][name] for name in ("uid", "resourceVersion")}
        return await self._cluster.patch(self._target, {"metadata": metadata, "spec": spec})

    def _manifest(self) -> Object:
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._target.name, "namespace": self._target.namespace},
            "spec": self._spec(),
        }

    def _spec(self) -> dict[str, Any]:
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": round(self._settings.seconds),
            "acquireTime": _format_now(),
            "renewTime": _format_now(),
        }


def _format_now() -> str:
    """The time for people who read the Lease. No process decides by it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
