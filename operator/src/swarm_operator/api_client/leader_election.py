"""Who may write: the holder of a Lease, as long as it is certain that nobody else can be.

Promises:
  - a holder stops writing (`remaining` is 0) before another takes the Lease: it counts from *before* its last renewal
    was sent, and stops a margin early; another counts from *after* it saw that renewal, and waits the whole time out;
  - no two clocks are compared: what is measured is how long a Lease has not changed, by one's own clock;
  - a Lease is changed only in the version that was read, so of two that try one wins;
  - a clean stop gives it back, and another has it at its next look.

Limits: a process that is stopped between looking at its clock and sending is not noticed. What it then sends is fenced
by names, uids and versions.
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
    """One candidate."""

    def __init__(self, cluster: Cluster, identity: str, settings: LeaseSettings, clock: Callable[[], float]) -> None:
        self._cluster, self._identity, self._settings, self._clock = cluster, identity, settings, clock
        self._target = ObjectReference("Lease", settings.namespace, settings.name)
        self._lease: Object | None = None
        """As last read or written by us; None: to be read."""
        self._until = 0.0
        """Writes may begin before this moment."""
        self._last_version: tuple[Any, ...] | None = None
        self._last_version_at = 0.0
        self._reported_leader = False
        """What was last said about it."""
        self._round_ended = asyncio.Event()

    def remaining(self) -> float:
        """Seconds in which writes are still ours to make; 0: none."""
        return max(0.0, self._until - self._clock())

    async def wait_for_change(self) -> None:
        """Until there may be something new about leadership: after the next round, or when it ends by the clock."""
        self._round_ended.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._round_ended.wait(), self.remaining() or None)

    async def run(self) -> None:
        """Win the Lease and renew it, for ever."""
        while True:
            await self.try_once()
            await asyncio.sleep(self._settings.renew_seconds)

    async def try_once(self) -> None:
        """Look once, and take or renew the Lease if it is ours to have."""
        try:
            await self._attempt()
        except (ConflictError, AlreadyExistsError):
            self._lease = None  # somebody was faster; read it the next time
        except ApiError as error:
            self._lease = None
            LOG.warning("Lease %s: %s", self._target, error)
        if self._reported_leader != bool(self.remaining()):
            self._reported_leader = not self._reported_leader
            LOG.info("%s %s leader", self._identity, "is" if self._reported_leader else "is no longer")
        self._round_ended.set()

    async def release(self) -> None:
        """Give the Lease back, if it is ours."""
        if not self.remaining() or self._lease is None:
            return
        self._until = 0.0
        try:
            await self._write(self._lease, {"holderIdentity": None, "leaseDurationSeconds": 1})
        except ApiError as error:
            LOG.warning("Lease %s could not be released, others wait it out: %s", self._target, error)

    async def _attempt(self) -> None:
        sent_at = self._clock()
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
        """Seconds since this very version was first seen here."""
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
    """For people; nothing decides by it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
