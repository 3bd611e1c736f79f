"""The operator's log: one line per fact, with its run, and no line twice."""

import asyncio
import json
import logging
import sys

import pytest
from fake_cluster import Failing, FakeCluster

from swarm_operator import logs, settings
from swarm_operator.api_client.cluster import ApiError
from swarm_operator.api_client.object_cache import Cache
from swarm_operator.common.reconcile_plan import Create, Event, ObservedRun, Plan
from swarm_operator.executor import Executor
from swarm_operator.host import Host
from swarm_operator.metrics import Metrics

RUN = {
    "apiVersion": "dataswarm.io/v1alpha1", "kind": "SwarmRun",
    "metadata": {"name": "a-run", "namespace": "team", "uid": "r"}, "spec": {},
}  # fmt: skip


def make_record(message: str, level: int = logging.INFO, *, about_run: bool = True) -> logging.LogRecord:
    record = logging.LogRecord("swarm_operator.executor", level, "f.py", 1, message, (), None)
    if about_run:
        record.__dict__.update(kind="SwarmRun", namespace="team", run="a-run")
    return record


def test_a_line_of_text_names_its_run() -> None:
    line = logs.TextFormatter().format(make_record("created Job a-job\nand\x1b[2J more"))
    assert line.split(" ", 1)[1] == "INFO SwarmRun team/a-run: created Job a-job and [2J more"
    assert logs.TextFormatter().format(make_record("leads", about_run=False)).endswith("Z INFO leads")


def test_a_line_of_json_has_the_run_as_fields() -> None:
    fields = json.loads(logs.JsonFormatter().format(make_record("created Job a-job", logging.WARNING)))
    assert fields.pop("time").endswith("Z")
    assert fields == {
        "level": "WARNING", "logger": "swarm_operator.executor", "kind": "SwarmRun", "namespace": "team",
        "run": "a-run", "message": "created Job a-job",
    }  # fmt: skip


@pytest.mark.parametrize("formatter", [logs.TextFormatter(), logs.JsonFormatter()])
def test_a_traceback_stays_on_its_line(formatter: logging.Formatter) -> None:
    record = make_record("could not be reconciled", logging.ERROR)
    try:
        raise ValueError("odd")
    except ValueError:
        record.exc_info = sys.exc_info()
    line = formatter.format(record)
    assert "ValueError: odd" in line
    assert "\n" not in line


def test_the_format_comes_from_the_environment_and_another_one_is_refused() -> None:
    assert settings.from_environment({"DATASWARM_LOG_FORMAT": "json"}).log_format == "json"
    with pytest.raises(ValueError, match="DATASWARM_LOG_FORMAT is 'xml'; write one of text, json"):
        logs.configure("xml")


def test_steps_and_events_are_logged_once_and_a_secret_is_not(caplog: pytest.LogCaptureFixture) -> None:
    cluster, cache = FakeCluster(), Cache()
    cache.record("SwarmRun", cluster.put(RUN))
    owner = {"apiVersion": RUN["apiVersion"], "kind": "SwarmRun", "name": "a-run", "uid": "r"}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key", "ownerReferences": [owner]}}
    executor = Executor(cluster, cache, lambda: 0.0, trust_seconds=60.0)
    plan = Plan((Create(secret, secret="KEY"),), None, (Event("Warning", "OOMKilled", "iterate: raise memory"),))
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            observed = cache.observe("r")
            assert observed is not None
            asyncio.run(executor.execute(observed, plan))
    told = [(record.levelname, record.run, record.getMessage()) for record in caplog.records]  # type: ignore[attr-defined]
    assert told == [
        ("INFO", "a-run", "created Secret key"),
        ("WARNING", "a-run", "OOMKilled: iterate: raise memory"),
    ]
    (stored,) = [one for target, one in cluster.objects.items() if target.kind == "Secret"]
    assert stored["stringData"]["KEY"] not in caplog.text


def test_a_reconcile_that_fails_again_and_again_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    cluster = FakeCluster(before_call=Failing("create", "Job", ApiError("exceeded quota: gpus", 403), times=100))

    def reconcile(observed: ObservedRun, now: float, config: settings.Settings) -> Plan:
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a-job"}}
        return Plan((Create(job),), wake_after=60.0)

    async def play() -> None:
        host = Host(reconcile, settings.Settings(), Metrics())
        host.executor = Executor(cluster, host.cache, lambda: 0.0, 60.0)
        host.cache.record("SwarmRun", cluster.put(RUN))
        for _ in range(5):
            await host._reconcile_key("r")
        host.queue.close()

    with caplog.at_level(logging.INFO):
        asyncio.run(play())
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        f"QuotaExceeded: exceeded quota: gpus; {told[0].partition('; ')[2]}",
        "could not be reconciled and is tried again: exceeded quota: gpus",
    ]
