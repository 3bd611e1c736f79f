"""Metrics for Prometheus, in a registry of our own.

Limits: the labels are verbs, kinds, codes and phases, and never names of runs. So the number of series is bounded.
"""

from collections import Counter as Tally
from collections.abc import Iterable

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from swarm_core.engine.phases import Phase
from swarm_core.objectives.scores import AnswerFate
from swarm_operator.common.reconcile_plan import Object

BUCKETS_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """All metrics of the operator."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.leader = Gauge("dataswarm_leader", "1 if this process is the leader, else 0", registry=registry)
        self.queue_depth = Gauge("dataswarm_queue_depth", "Runs that wait for a worker", registry=registry)
        self.watch_age = Gauge(
            "dataswarm_watch_age_seconds", "Seconds since the last response of the API server", registry=registry
        )
        self.list_corrections = Counter(
            "dataswarm_list_news", "Runs that a list changed because watches had missed something", registry=registry
        )
        self.reconciles = Counter("dataswarm_reconciles", "Reconciles by outcome", ["outcome"], registry=registry)
        self.reconcile_seconds = Histogram(
            "dataswarm_reconcile_seconds", "Seconds of one reconcile", buckets=BUCKETS_SECONDS, registry=registry
        )
        self.calls = Counter(
            "dataswarm_api_calls",
            "Calls to the API server by verb, kind and status",
            ["verb", "kind", "code"],
            registry=registry,
        )
        self.api_seconds = Histogram(
            "dataswarm_api_seconds", "Seconds of one call to the API server", buckets=BUCKETS_SECONDS, registry=registry
        )
        self.runs = Gauge("dataswarm_runs", "Runs by phase", ["phase"], registry=registry)

        self.answers = Gauge(
            "dataswarm_answers", "Answers in the searches of the present runs, by fate", ["fate"], registry=registry
        )

    def record_call(self, verb: str, kind: str, status: int, seconds: float) -> None:
        """Count one call to the API server."""
        self.calls.labels(verb, kind, str(status)).inc()
        self.api_seconds.observe(seconds)

    def count_runs(self, runs: Iterable[Object]) -> None:
        """Set the number of runs in each phase, and of answers of each fate."""
        statuses = [run.get("status") or {} for run in runs]
        tally = Tally(status.get("phase") or str(Phase.PENDING) for status in statuses)
        for phase in Phase:
            self.runs.labels(str(phase)).set(tally[phase])
        for fate in AnswerFate:
            field = f"{fate[0].lower()}{fate[1:]}"
            self.answers.labels(str(fate)).set(sum((status.get("answers") or {}).get(field, 0) for status in statuses))


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
