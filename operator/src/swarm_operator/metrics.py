"""Figures for Prometheus, in a registry of our own.

Limits: labels are verbs, kinds, codes and phases, never names of runs, so the number of series is bounded.
"""

from collections import Counter as Tally
from collections.abc import Iterable

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from swarm_core.engine.phases import Phase
from swarm_operator.common.reconcile_plan import Object

BUCKETS_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """All of them."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.leader = Gauge("dataswarm_leader", "1 while this process may write", registry=registry)
        self.queue_depth = Gauge("dataswarm_queue_depth", "Runs that wait for a worker", registry=registry)
        self.watch_age = Gauge(
            "dataswarm_watch_age_seconds", "Since the API server was last heard of", registry=registry
        )
        self.list_corrections = Counter(
            "dataswarm_list_news", "Runs of which a list knew more than watches", registry=registry
        )
        self.reconciles = Counter("dataswarm_reconciles", "By outcome", ["outcome"], registry=registry)
        self.reconcile_seconds = Histogram(
            "dataswarm_reconcile_seconds", "Of one reconcile", buckets=BUCKETS_SECONDS, registry=registry
        )
        self.calls = Counter(
            "dataswarm_api_calls", "By verb, kind and status", ["verb", "kind", "code"], registry=registry
        )
        self.api_seconds = Histogram("dataswarm_api_seconds", "Of one call", buckets=BUCKETS_SECONDS, registry=registry)
        self.runs = Gauge("dataswarm_runs", "By phase", ["phase"], registry=registry)

    def record_call(self, verb: str, kind: str, status: int, seconds: float) -> None:
        """One call was made."""
        self.calls.labels(verb, kind, str(status)).inc()
        self.api_seconds.observe(seconds)

    def count_runs(self, runs: Iterable[Object]) -> None:
        """The runs there are."""
        tally = Tally((run.get("status") or {}).get("phase") or str(Phase.PENDING) for run in runs)
        for phase in Phase:
            self.runs.labels(str(phase)).set(tally[phase])


async def serve(metrics: Metrics, port: int) -> web.AppRunner:
    """Serve /metrics on all addresses until the runner is cleaned up. Raises OSError if the port is taken."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics.registry), content_type="text/plain")

    app = web.Application()
    app.router.add_get("/metrics", page)
    runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner
