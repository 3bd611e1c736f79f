"""Asks the API server what there is, at start, whenever leadership is won, and again and again.

Watches are quicker, and now and then tell less than the truth: a connection that hangs, an event lost over a restart.
A list is the truth of its moment, so what it lacks is gone.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from swarm_operator.api_client import resources
from swarm_operator.api_client.cluster import ApiError, Cluster, NotFoundError
from swarm_operator.api_client.object_cache import Cache, RunKey
from swarm_operator.common import names

LOG = logging.getLogger(__name__)
RETRY_SECONDS = 1.0


@dataclass
class Lister:
    """Keeps a cache honest."""

    cluster: Cluster
    cache: Cache
    namespaces: tuple[str, ...]
    on_change: Callable[[RunKey], None]
    """Hears of every run about which a list knew more."""
    synced: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once everything has been listed."""

    async def list_all(self) -> int:
        """List everything once; how many runs brought news. Raises ApiError."""
        changed: set[RunKey] = set()
        for kind in resources.list_run_kinds():
            try:
                changed |= await self._list_kind(kind, "")
            except NotFoundError as error:  # a program may be installed here before its CRD is in the cluster
                LOG.error("%s: %s; install the CRD of this kind: its runs are not carried out", kind, error)
        for kind in resources.CHILD_KINDS:
            changed |= await self._list_kind(kind, names.RUN_UID_LABEL)
        for run in sorted(changed):
            self.on_change(run)
        self.synced.set()
        return len(changed)

    async def _list_kind(self, kind: str, selector: str) -> set[RunKey]:
        """List the objects of a kind; the runs of which that brought news. Raises ApiError."""
        changed: set[RunKey] = set()
        for namespace in self.namespaces or (None,):
            before = self.cache.newest_version(kind)
            listing = await self.cluster.list(kind, namespace, selector)
            changed |= self.cache.record_list(kind, namespace, listing, before)
        return changed

    async def list_periodically(self, seconds: float, on_listed: Callable[[int], None]) -> None:
        """List every so many seconds, for ever; `looked` hears how many runs brought news."""
        while True:
            try:
                on_listed(await self.list_all())
            except ApiError as error:
                LOG.warning("listing: %s", error)
            await asyncio.sleep(seconds if self.synced.is_set() else RETRY_SECONDS)
