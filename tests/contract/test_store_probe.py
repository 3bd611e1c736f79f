"""The probe finds out which stores keep their word; every way of not being usable has its own words."""

import uuid
from pathlib import Path

import pytest
import s3_servers
from s3_servers import Server

from swarm_core.api.execution import S3Storage
from swarm_core.ports import RefusedError
from swarm_core.recipe import digest_bytes
from swarm_trainer.stores import store_checks
from swarm_trainer.stores.retry_policy import RetryLimits
from swarm_trainer.stores.s3 import S3Store

HASTY = RetryLimits(connect_timeout=1, read_timeout=2, call_timeout=2, first_pause=0.01)


def bucket(server: Server) -> S3Storage:
    return server.bucket(f"probe-{uuid.uuid4().hex}", "team/run")


@pytest.mark.parametrize("name", ["versitygw", "moto"])
def test_a_store_that_keeps_its_word_passes_and_is_left_clean(
    request: pytest.FixtureRequest, tmp_path: Path, keys: None, name: str
) -> None:
    store = S3Store(bucket(request.getfixturevalue(name)), tmp_path)
    store_checks.check_reachable(store)
    store_checks.check_conditional_writes(store)
    assert list(store.bucket.list()) == []


def test_a_store_that_ignores_conditions_is_refused_with_the_way_out(
    rclone: Server, tmp_path: Path, keys: None
) -> None:
    store = S3Store(bucket(rclone), tmp_path)
    with pytest.raises(RefusedError, match=r"s3://probe-\w+/team/run: the store ignores If-None-Match.*singleWriter"):
        store_checks.check_conditional_writes(store)


def test_a_single_writer_may_use_a_store_that_ignores_conditions(rclone: Server, tmp_path: Path, keys: None) -> None:
    place = bucket(rclone).model_copy(update={"single_writer": True})
    store = S3Store(place, tmp_path)
    store_checks.check_conditional_writes(store)
    assert store.publish("a/b", b"first") == b"first"
    assert store.publish("a/b", b"second") == b"first"
    assert store.swap("HEAD", None, b"1")
    assert not store.swap("HEAD", None, b"2")
    assert store.swap("HEAD", b"1", b"2")
    assert store.read("HEAD") == b"2"
    assert store.get(store.put(b"data")).read_bytes() == b"data"


def greeted_and_checked(store: S3Store) -> None:
    store_checks.check_reachable(store)
    store_checks.check_conditional_writes(store)


def refusal(place: S3Storage, tmp_path: Path) -> str:
    """What is said of a store that cannot be used."""
    store = S3Store(place, tmp_path, HASTY)
    with pytest.raises(RefusedError) as raised:
        greeted_and_checked(store)
    message = str(raised.value)
    assert message.startswith(f"s3://{place.bucket}")
    assert "\n" not in message
    assert s3_servers.SECRET not in message
    return message


def test_a_wrong_key_is_told(versitygw: Server, tmp_path: Path, keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    place = bucket(versitygw)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    assert "the store rejects this key" in refusal(place, tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "NOBODY")
    assert "the store rejects this key" in refusal(place, tmp_path)


def test_missing_keys_are_told(versitygw: Server, tmp_path: Path, keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    place = bucket(versitygw)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert "no credentials were found" in refusal(place, tmp_path)


def test_a_missing_bucket_is_told(versitygw: Server, tmp_path: Path, keys: None) -> None:
    place = S3Storage(bucket="nobody-made-me", endpoint=versitygw.endpoint)
    assert "no such bucket; create it" in refusal(place, tmp_path)


def test_a_store_that_cannot_be_reached_is_told(tmp_path: Path, keys: None) -> None:
    place = S3Storage(bucket="swarms", endpoint=f"http://127.0.0.1:{s3_servers.free_port()}")
    assert "cannot be reached; check spec.storage.s3.endpoint" in refusal(place, tmp_path)


def test_a_read_only_store_is_told(versitygw: Server, tmp_path: Path, keys: None) -> None:
    with s3_servers.versitygw(tmp_path / "gateway") as server:
        server.bucket("frozen")
    with s3_servers.versitygw(tmp_path / "gateway", "--readonly") as server:
        place = S3Storage(bucket="frozen", endpoint=server.endpoint)
        assert "writing is not allowed" in refusal(place, tmp_path)


def test_a_clock_that_is_wrong_is_told(
    versitygw: Server, tmp_path: Path, keys: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datetime  # noqa: PLC0415

    import botocore.auth  # noqa: PLC0415

    place = bucket(versitygw)
    late = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=2)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: late.replace(tzinfo=None))
    assert "set the clock" in refusal(place, tmp_path)


@pytest.mark.parametrize("checksum", ["WhenSupported", "WhenRequired"])
@pytest.mark.parametrize("name", ["versitygw", "moto"])
def test_a_file_of_several_parts_comes_back_as_it_went(
    request: pytest.FixtureRequest, tmp_path: Path, keys: None, name: str, checksum: str
) -> None:
    place = S3Storage.model_validate(
        {**bucket(request.getfixturevalue(name)).model_dump(), "request_checksum": checksum}
    )
    source = tmp_path / "large"
    source.write_bytes(b"".join(digest_bytes(b"%d" % n).encode() for n in range((17 << 20) // 64 + 1)))
    store = S3Store(place, tmp_path / "cache")
    digest = store.put(source)
    assert digest_bytes(source.read_bytes()) == digest
    assert store.get(digest).read_bytes() == source.read_bytes()
    assert store.put(source) == digest
