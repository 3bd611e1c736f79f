"""Lists every object at start, after winning the Lease, and periodically.

Watches are faster, but sometimes incomplete: a connection hangs, or a restart loses an event. A list is complete at its
resourceVersion, so an object that it lacks is gone.
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
    """Keeps a cache up to date by lists."""

    cluster: Cluster
    cache: Cache
    namespaces: tuple[str, ...]
    on_change: Callable[[RunKey], None]
    """Is called for each run that a list changed in the cache."""
    synced: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once everything has been listed."""

    async def list_all(self) -> int:
        """List everything once. Returns how many runs changed in the cache. Raises ApiError."""
        changed: set[RunKey] = set()
        for kind in resources.list_run_kinds():
            try:
                changed |= await self._list_kind(kind, "")
            except NotFoundError as error:  # the program may be installed before its CRD
                LOG.error("%s: %s; install the CRD of this kind; until then its runs are not reconciled", kind, error)
        for kind in resources.CHILD_KINDS:
            changed |= await self._list_kind(kind, names.RUN_UID_LABEL)
        for run in sorted(changed):
            self.on_change(run)
        self.synced.set()
        return len(changed)

    async def _list_kind(self, kind: str, selector: str) -> set[RunKey]:
        """List the objects of a kind. Returns the runs that changed. Raises ApiError."""
        changed: set[RunKey] = set()
        for namespace in self.namespaces or (None,):
            before = self.cache.newest_version(kind)
            listing = await self.cluster.list(kind, namespace, selector)
            changed |= self.cache.record_list(kind, namespace, listing, before)
        return changed

    async def list_periodically(self, seconds: float, on_listed: Callable[[int], None]) -> None:
        """List everything every `seconds`, forever. `on_listed` gets the number of changed runs after each list."""
        while True:
            try:
                on_listed(await self.list_all())
            except ApiError as error:
                LOG.warning("could not list: %s", error)
            await asyncio.sleep(seconds if self.synced.is_set() else RETRY_SECONDS)
