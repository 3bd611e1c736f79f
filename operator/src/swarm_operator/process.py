"""Starts and stops one operator process: its settings, its API client, its host and its metrics server."""

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
    """The parts that `start` creates and `stop` closes."""

    host: Host
    api: ApiClient
    metrics_server: web.AppRunner | None

    async def stop(self) -> None:
        """Stop cleanly and release the Lease."""
        await self.host.stop()
        if self.metrics_server is not None:
            await self.metrics_server.cleanup()
        await self.api.close()


async def start(reconcile: Reconcile, clock: Callable[[], float]) -> Process:
    """Connect and start.

    Raises ValueError for invalid settings, ApiError without credentials, OSError for a taken port.
    """
    config = settings.from_environment(os.environ)
    operator_metrics = metrics.Metrics()
    api = await client.connect()
    host = Host(reconcile, config, operator_metrics)
    shared = token_bucket.TokenBucket(config.calls_per_second, config.burst, clock)
    unbounded = token_bucket.TokenBucket(0, 1, clock)  # a renewal must not wait behind other calls

    def seconds_for_writes() -> float:
        return min(config.call_seconds, host.leader.remaining())

    host.start(
        client.AioCluster(api, seconds_for_writes, shared, operator_metrics.record_call),
        client.AioCluster(api, lambda: config.lease.renew_seconds, unbounded, operator_metrics.record_call),
        client.AioCluster(api, lambda: config.call_seconds, shared, operator_metrics.record_call),
    )
    metrics_server = await metrics.serve(operator_metrics, config.metrics_port) if config.metrics_port else None
    scope = ", ".join(config.namespaces) or "all namespaces"
    LOG.info("%s reconciles runs in %s of %s", config.identity, scope, api.configuration.host)
    return Process(host, api, metrics_server)
