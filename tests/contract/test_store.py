"""What every artifact store promises."""

import re
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fake_store import FakeStore
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swarm_core.ports import ArtifactStore, CorruptError, StoreError
from swarm_core.recipe import Digest, digest_bytes
from swarm_trainer.stores.local import LocalStore
from swarm_trainer.stores.s3 import S3Store

Opener = Callable[[], ArtifactStore]
RACERS = 16
BAD_KEYS = ["", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "a b", "a\\b", "ä", "a\n", "a:b", "~", "a\0b"]
ABSENT = Digest("0" * 64)


@pytest.fixture(params=["local", "fake", "versitygw", "moto"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path, keys: None) -> Callable[[], ArtifactStore]:
    """Opens the store under test; opened again, it is the same store as another process would see it."""
    root = tmp_path / "store"
    match request.param:
        case "local":
            return lambda: LocalStore(root)
        case "fake":
            root.mkdir()
            fake = FakeStore(root)
            return lambda: fake
        case server:
            place = request.getfixturevalue(server).bucket(f"contract-{uuid.uuid4().hex}", "team/run")
            return lambda: S3Store(place, tmp_path / "cache")


@pytest.fixture
def store(open_store: Callable[[], ArtifactStore]) -> ArtifactStore:
    return open_store()


def together(work: Callable[[int], object]) -> list[object]:
    """What `work` gives for 0, 1, ... when all start at once."""
    start = threading.Barrier(RACERS)

    def one(number: int) -> object:
        start.wait()
        return work(number)

    with ThreadPoolExecutor(RACERS) as pool:
        return list(pool.map(one, range(RACERS)))


# Artifacts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"a", bytes(range(256)) * 5000], ids=["empty", "one byte", "more than a chunk"])
def test_what_was_put_is_got_under_its_sha256(store: ArtifactStore, tmp_path: Path, data: bytes) -> None:
    source = tmp_path / "source"
    source.write_bytes(data)
    digest = store.put(data)
    assert digest == digest_bytes(data)
    assert store.put(source) == digest
    assert store.get(digest).read_bytes() == data


def test_putting_again_changes_nothing(store: ArtifactStore) -> None:
    first = store.get(store.put(b"data"))
    assert store.get(store.put(b"data")) == first
    assert first.read_bytes() == b"data"


def test_what_was_put_stays_when_its_source_goes(store: ArtifactStore, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"data")
    digest = store.put(source)
    source.write_bytes(b"other")
    source.unlink()
    assert store.get(digest).read_bytes() == b"data"


def test_a_blob_outlives_who_put_it(open_store: Opener) -> None:
    assert open_store().get(open_store().put(b"data")).read_bytes() == b"data"


def test_a_missing_blob_is_an_error_that_names_it(store: ArtifactStore) -> None:
    with pytest.raises(StoreError, match=ABSENT):
        store.get(ABSENT)


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "0" * 63, "0" * 65, "A" * 64, "0" * 64 + "\n"])
def test_what_is_no_digest_never_becomes_a_path(store: ArtifactStore, digest: str) -> None:
    with pytest.raises(ValueError, match="digest"):
        store.get(Digest(digest))


@pytest.mark.parametrize("looked_at_before", [False, True], ids=["at first sight", "after it was found good"])
def test_a_changed_blob_is_found_and_named_with_both_digests(open_store: Opener, looked_at_before: bool) -> None:
    store = open_store()
    digest = store.put(b"data")
    path = (store if looked_at_before else open_store()).get(digest)
    path.chmod(0o644)
    path.write_bytes(b"data and more")
    with pytest.raises(CorruptError, match=re.escape(str(path))) as raised:
        store.get(digest)
    message = str(raised.value)
    assert digest in message
    assert digest_bytes(b"data and more") in message
    assert "\n" not in message


def test_a_source_that_does_not_exist_is_an_error_that_names_it(store: ArtifactStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no-such-file"):
        store.put(tmp_path / "no-such-file")


def test_many_may_put_the_same_bytes_at_once(open_store: Opener) -> None:
    data = b"x" * 100_000
    stores = [open_store() for _ in range(RACERS)]
    digests = together(lambda number: stores[number].put(data))
    assert digests == [digest_bytes(data)] * RACERS
    assert stores[0].get(digest_bytes(data)).read_bytes() == data


# Write-once names ----------------------------------------------------------------------------------------------------


def test_a_name_nobody_gave_reads_as_none(store: ArtifactStore) -> None:
    assert store.read("iterations/0001/COMMIT") is None


@pytest.mark.parametrize("first", [b"first", b""], ids=["bytes", "no bytes"])
def test_the_first_publisher_wins_and_everyone_learns_what_stands(open_store: Opener, first: bytes) -> None:
    assert open_store().publish("a/b", first) == first
    assert open_store().publish("a/b", b"second") == first
    assert open_store().read("a/b") == first


def test_of_many_publishers_at_once_one_wins(open_store: Opener) -> None:
    stores = [open_store() for _ in range(RACERS)]
    for turn in range(5):
        key = f"race/{turn}"
        standing = together(lambda number, key=key: stores[number].publish(key, b"%d" % number))
        assert len(set(standing)) == 1
        assert stores[0].read(key) == standing[0]


@pytest.mark.parametrize("key", BAD_KEYS)
def test_what_is_no_key_never_becomes_a_path(store: ArtifactStore, key: str) -> None:
    for call in (lambda: store.read(key), lambda: store.publish(key, b""), lambda: store.swap(key, None, b"")):
        with pytest.raises(ValueError, match="key"):
            call()


@given(
    key=st.lists(
        st.from_regex(r"[A-Za-z0-9._=-]{1,8}", fullmatch=True).filter(lambda s: s not in {".", ".."}), min_size=1
    )
    .map("/".join)
    .map("{}/longer-than-the-others".format),
    data=st.binary(max_size=50),
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_key_holds_any_bytes(store: ArtifactStore, key: str, data: bytes) -> None:
    standing = store.read(key)
    assert store.publish(key, data) == (data if standing is None else standing)
    assert store.read(key) == (data if standing is None else standing)


# Pointers ------------------------------------------------------------------------------------------------------------


def test_a_pointer_moves_only_from_where_it_is(store: ArtifactStore) -> None:
    assert not store.swap("HEAD", b"1", b"2")
    assert store.read("HEAD") is None
    assert store.swap("HEAD", None, b"1")
    assert not store.swap("HEAD", None, b"2")
    assert not store.swap("HEAD", b"0", b"2")
    assert store.read("HEAD") == b"1"
    assert store.swap("HEAD", b"1", b"2")
    assert store.read("HEAD") == b"2"


@pytest.mark.parametrize("expected", [None, b"old"], ids=["made", "moved"])
def test_of_many_who_move_a_pointer_at_once_one_wins(open_store: Opener, expected: bytes | None) -> None:
    stores = [open_store() for _ in range(RACERS)]
    if expected is not None:
        stores[0].swap("HEAD", None, expected)
    won = together(lambda number: stores[number].swap("HEAD", expected, b"%d" % number))
    assert won.count(True) == 1
    assert stores[0].read("HEAD") == b"%d" % won.index(True)


def test_no_move_of_a_pointer_is_lost(open_store: Opener) -> None:
    """Everyone adds one until it counts: the sum is the number of those who did."""

    def add_one(number: int) -> None:
        store = open_store()
        while True:
            seen = store.read("HEAD")
            if store.swap("HEAD", seen, b"%d" % (int(seen or b"0") + 1)):
                return

    together(add_one)
    assert open_store().read("HEAD") == b"%d" % RACERS
