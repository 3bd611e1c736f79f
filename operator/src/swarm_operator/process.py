"""One operator process: its settings, its connection, its host, its figures. `main` begins and ends it."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from kubernetes.aio.client.api_client import ApiClient

from swarm_operator import metrics, settings
from swarm_operator.api_client import client, token_bucket
from swarm_operator.host import Host, Reconcile

LOG = logging.getLogger(__name__)


@dataclass
class Process:
    """What `start` made and `stop` takes down."""

    host: Host
    api: ApiClient
    metrics_server: web.AppRunner | None

    async def stop(self) -> None:
        """End cleanly: the Lease is given back."""
        await self.host.stop()
        if self.metrics_server is not None:
            await self.metrics_server.cleanup()
        await self.api.close()


async def start(reconcile: Reconcile, clock: Callable[[], float]) -> Process:
    """Connect and begin. Raises ValueError for settings that cannot work, ApiError without credentials."""
    config = settings.from_environment(os.environ)
    figures = metrics.Metrics()
    api = await client.connect()
    host = Host(reconcile, config, figures)
    shared = token_bucket.TokenBucket(config.calls_per_second, config.burst, clock)
    unbounded = token_bucket.TokenBucket(0, 1, clock)  # a renewal must not wait behind work

    def seconds_for_writes() -> float:
        return min(config.call_seconds, host.leader.remaining())

    host.start(
        client.AioCluster(api, seconds_for_writes, shared, figures.record_call),
        client.AioCluster(api, lambda: config.lease.renew_seconds, unbounded, figures.record_call),
        client.AioCluster(api, lambda: config.call_seconds, shared, figures.record_call),
    )
    metrics_server = await metrics.serve(figures, config.metrics_port) if config.metrics_port else None
    scope = ", ".join(config.namespaces) or "all namespaces"
    LOG.info("%s serves %s of %s", config.identity, scope, api.configuration.host)
    return Process(host, api, metrics_server)
