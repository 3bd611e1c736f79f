"""What a network and a store can do, one fault at a time and all at once: nothing is lost, and every call ends."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import racing
from fault_proxy import Fault, FaultProxy, run_proxy
from s3_servers import Server

from swarm_core.api.execution import S3Storage
from swarm_core.ports import StoreError
from swarm_core.recipe import digest_bytes
from swarm_trainer.run_store import commit_chain
from swarm_trainer.stores.retry_policy import RetryLimits
from swarm_trainer.stores.s3 import S3Store

LIMITS = RetryLimits(connect_timeout=5, read_timeout=1.5, call_timeout=30, first_pause=0.01, first_throttled_pause=0.02)
LARGE = RetryLimits(read_timeout=10, call_timeout=30, first_pause=0.01, first_throttled_pause=0.02)
MIB = 1 << 20


@pytest.fixture
def place(versitygw: Server, request: pytest.FixtureRequest) -> S3Storage:
    """A bucket of the test's own, without faults."""
    return versitygw.bucket(f"faults-{abs(hash(request.node.name)):x}", "team/run")


@pytest.fixture
def through(place: S3Storage, tmp_path: Path, keys: None) -> "Iterator[Callable[..., tuple[S3Store, FaultProxy]]]":
    """Opens the store through a proxy that does what it is told."""
    with ExitStack() as stack:

        def opened(
            *faults: Fault, rate: float = 0.5, seed: int = 1, limits: RetryLimits = LIMITS
        ) -> tuple[S3Store, FaultProxy]:
            assert place.endpoint
            proxy = stack.enter_context(run_proxy(place.endpoint, seed, rate, faults or tuple(Fault)))
            near = place.model_copy(update={"endpoint": proxy.endpoint})
            return S3Store(near, tmp_path / f"cache-{proxy.endpoint[-5:]}", limits), proxy

        yield opened


Through = Callable[..., tuple[S3Store, FaultProxy]]


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
def test_each_fault_alone_changes_nothing(through: Through, fault: Fault) -> None:
    store, proxy = through(fault, rate=0.4)
    head = None
    for number in range(6):
        data = b"%d" % number * 3000
        assert store.get(store.put(data)).read_bytes() == data
        assert store.publish(f"names/{number}", data) == data
        assert store.publish(f"names/{number}", b"second") == data
        # A stale read makes a move look lost; whoever reads again moves.
        while not store.swap("HEAD", head, b"%d" % number):
            assert store.read("HEAD") in (None, *(b"%d" % old for old in range(number)))
        head = b"%d" % number
    assert proxy.counts[fault] > 0


@pytest.mark.parametrize(
    "fault",
    [Fault.ERROR, Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.HALF, Fault.FLIPPED_ANSWER, Fault.FLIPPED_REQUEST],
    ids=lambda fault: fault.name.lower(),
)
def test_a_large_blob_survives_faults_in_any_of_its_parts(through: Through, tmp_path: Path, fault: Fault) -> None:
    store, proxy = through(fault, rate=0.15, seed=3, limits=LARGE)
    source = tmp_path / "large"
    source.write_bytes(b"".join(digest_bytes(b"%d" % n).encode() for n in range(17 * MIB // 64 + 1)))
    digest = store.put(source)
    assert digest == digest_bytes(source.read_bytes())
    assert digest_bytes(store.get(digest).read_bytes()) == digest
    assert proxy.requests >= 10


def test_a_lost_reply_to_a_move_is_found_out_though_others_have_moved_on(through: Through) -> None:
    store, _ = through(Fault.CUT_AFTER, rate=0)
    own, other = store, store
    etag = own.bucket.write("names/HEAD", b"1", {"IfNoneMatch": "*"}, ("own",))
    assert etag is not None
    assert other.swap("HEAD", b"1", b"2")
    found = own.bucket.read("names/HEAD")
    assert found is not None
    assert "own" in found.writes
    assert found.data == b"2"


def test_a_store_that_never_recovers_is_given_up_with_a_clear_error_in_time(through: Through) -> None:
    store, _ = through(
        Fault.SLOW_DOWN, rate=1, limits=RetryLimits(call_timeout=1, first_pause=0.01, first_throttled_pause=0.02)
    )
    begun = time.monotonic()
    for call in (lambda: store.read("a"), lambda: store.publish("a", b""), lambda: store.put(b"x")):
        with pytest.raises(StoreError, match=r"s3://.* did not finish in time.*(SlowDown|503)"):
            call()
    assert time.monotonic() - begun < 10


def test_a_stale_head_hides_no_iteration(through: Through) -> None:
    store, proxy = through(Fault.STALE, rate=0.5)
    writer = racing.Writer("alone", store, 10)
    for iteration in range(6):
        writer.commits.append(writer.iterate(iteration))
        assert [one.iteration for one in commit_chain.walk(store)] == list(range(iteration, -1, -1))
    assert proxy.counts[Fault.STALE] > 0


def test_two_racing_writers_lose_mix_and_repeat_nothing_through_every_fault(
    through: Through, place: S3Storage, tmp_path: Path
) -> None:
    first, one = through(rate=0.2, seed=11)
    second, two = through(rate=0.2, seed=12)
    writers = racing.race([first, second], iterations=12, seconds=120)
    racing.assert_consistent(writers, S3Store(place, tmp_path / "direct"), 12)
    assert (one.counts + two.counts).total() > 20
