"""The usage of a run adds up over threads, processes and restarts, and touches nothing that is compared."""

import threading
import time
from pathlib import Path

import pytest
import swarmrun_documents as documents

from swarm_core.api import loading, resolution
from swarm_core.recipe import digest_bytes
from swarm_core.usage import NO_USAGE, Usage
from swarm_trainer.meter import Meter
from swarm_trainer.report import usage_report
from swarm_trainer.run_store import usage_total
from swarm_trainer.runtime.context import Context
from swarm_trainer.stores.local import LocalStore

DONE = Usage(requests=3, tokens=40, latencies=((-8, 3),), unscored=(("Refused", 1),))


def process(tmp_path: Path) -> Context:
    """A worker's context; its store is not metered, so that figures are what is added here."""
    resolved = resolution.resolve_run(loading.parse_object(documents.minimal(), "run.yaml"))
    return Context(resolved, LocalStore(tmp_path / "store"), tmp_path / "cache", tmp_path, lambda _: None)


def counted(usage: Usage) -> tuple[int, int]:
    return usage.requests, usage.tokens


def test_every_process_adds_what_it_did_and_what_one_had_not_told_dies_with_it(tmp_path: Path) -> None:
    first, second = process(tmp_path), process(tmp_path)
    first.meter.add(DONE)
    assert counted(first.record_usage()) == (3, 40)
    first.meter.add(DONE)  # killed here
    second.meter.add(DONE)
    second.flush_usage()
    assert usage_total.load(second.store) == DONE + DONE


def test_a_report_says_what_came_since_the_last_one(tmp_path: Path) -> None:
    context = process(tmp_path)
    context.meter.add(DONE)
    context.record_usage()
    assert context.record_usage() == NO_USAGE
    context.meter.add(DONE)
    assert context.record_usage() == DONE


def test_nothing_is_lost_when_many_report_at_once(tmp_path: Path) -> None:
    def work() -> None:
        context = process(tmp_path)
        for _ in range(10):
            context.meter.add(DONE)
            context.record_usage()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(usage_total.load(process(tmp_path).store)) == (120, 1600)


def test_a_run_that_did_nothing_yet_took_nothing(tmp_path: Path) -> None:
    assert usage_total.load(process(tmp_path).store) == NO_USAGE


def test_time_counts_once_however_many_ask(tmp_path: Path) -> None:
    meter = Meter()

    def ask() -> None:
        with meter.time_requests():
            time.sleep(0.1)

    began = time.monotonic()
    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    with meter.time_requests():
        taken = meter.take().seconds
    for thread in threads:
        thread.join()
    elapsed = time.monotonic() - began
    time.sleep(0.1)
    assert 0.1 <= taken + meter.take().seconds <= elapsed


def test_a_store_tells_the_bytes_it_writes_and_reads_and_not_those_it_has(tmp_path: Path) -> None:
    meter = Meter()
    store = LocalStore(tmp_path / "store", meter)
    digest = store.put(b"a" * 1000)
    store.put(b"a" * 1000)
    store.publish("name", b"b" * 100)
    store.publish("name", b"c" * 100)
    store.swap("pointer", None, b"d" * 10)
    store.swap("pointer", b"d" * 10, b"e" * 11)
    written = meter.take()
    assert written.bytes_written == 1000 + 100 + 10 + 11
    assert store.get(digest) == store.get(digest)
    assert store.read("name") == b"b" * 100
    assert meter.take().bytes_read == 1000 + 100


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1234, "1.2 kB"), (56_789, "57 kB"), (5e6, "5.0 MB"), (3e9, "3.0 GB")],
)
def test_bytes_are_told_in_units(count: float, words: str) -> None:
    assert usage_report.format_size(int(count)) == words


def test_figures_that_rest_on_nothing_are_null_and_left_out_of_the_line() -> None:
    fields = usage_report.to_json(NO_USAGE)
    assert (fields["latency"], fields["tokensPerSecond"]) == ({"p50": None, "p95": None}, None)
    assert usage_report.format_line(fields) == "0 requests; store 0 B up, 0 B down"


def test_an_account_tells_everything_in_one_line() -> None:
    usage = DONE + Usage(failed=1, retries=2, cached=5, seconds=2.0, bytes_written=1_200_000)
    assert usage_report.format_line(usage_report.to_json(usage)) == (
        "3 requests; 1 failed; 2 sent again; 5 from the cache; answered within 229 ms (half), 229 ms (95 %);"
        " 20 tok/s; 1 unscored Refused; store 1.2 MB up, 0 B down"
    )


def test_the_pointer_of_usage_is_no_part_of_what_is_named_by_digest(tmp_path: Path) -> None:
    context = process(tmp_path)
    digest = context.store.put(b"blob")
    context.meter.add(DONE)
    context.flush_usage()
    assert digest == digest_bytes(b"blob")
    assert [path.name for path in (tmp_path / "store" / "names").iterdir()] == [usage_total.KEY]
