"""Parts go unsigned where a store has shown that it looks at their CRC32; everywhere else they are signed."""

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fault_proxy import Fault, FaultProxy, ProxyRequest, run_proxy
from s3_servers import Server

from swarm_core.api.execution import RequestChecksum
from swarm_core.ports import RefusedError
from swarm_core.recipe import digest_bytes
from swarm_trainer.stores import multipart
from swarm_trainer.stores.retry_policy import Deadline, RetryLimits
from swarm_trainer.stores.s3 import S3Store
from swarm_trainer.stores.s3_bucket import Bucket

pytestmark = pytest.mark.long
LIMITS = RetryLimits(call_timeout=30, first_pause=0.01)
SIZE = (16 << 20) + 32
"""Three parts."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A part as it came to the store, and how its bytes were guarded."""

    number: int
    body: bytes
    headers: dict[str, str]

    @property
    def signed(self) -> bool:
        return self.headers["x-amz-content-sha256"] == hashlib.sha256(self.body).hexdigest()

    @property
    def unsigned(self) -> bool:
        """Without a signature of its bytes; that of its head holds its CRC32."""
        crc32 = base64.b64encode(zlib.crc32(self.body).to_bytes(4, "big")).decode()
        return (
            self.headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
            and self.headers["x-amz-checksum-crc32"] == crc32
            and "x-amz-checksum-crc32" in self.headers["authorization"].partition("SignedHeaders=")[2]
        )


def heard(asked: ProxyRequest) -> Sent:
    number = parse_qs(urlsplit(asked.path).query)["partNumber"][0]
    return Sent(int(number), asked.body, {name.lower(): value for name, value in asked.headers})


@dataclass(slots=True)
class Wire:
    """Between a store and its server: what parts went over, and one thing that happens to the first of them."""

    store: S3Store
    proxy: FaultProxy
    folder: Path
    harm: Fault | None
    sent: list[Sent]

    def fate(self, asked: ProxyRequest) -> Fault | None:
        if "partNumber=" not in asked.path:
            return None
        with self.proxy.lock:
            self.sent.append(heard(asked))
            harm, self.harm = (self.harm, None) if len(asked.body) > 1 else (None, self.harm)
        return harm

    def put(self, seed: bytes) -> list[Sent]:
        """Put a new file of three parts, and fetch it; the parts that went over."""
        self.sent.clear()
        source = self.folder / seed.decode()
        source.write_bytes((hashlib.sha256(seed).digest() * (SIZE // 32 + 1))[:SIZE])
        digest = self.store.put(source)
        assert digest == digest_bytes(source.read_bytes())
        assert self.store.get(digest).read_bytes() == source.read_bytes()
        return list(self.sent)


Opener = Callable[..., Wire]


@pytest.fixture
def wired(
    request: pytest.FixtureRequest, tmp_path: Path, keys: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Opener]:
    """Opens a store in a new bucket of a server."""
    with ExitStack() as stack:

        def opened(server: str, harm: Fault | None = None, checksum: RequestChecksum | None = None) -> Wire:
            running: Server = request.getfixturevalue(server)
            proxy = stack.enter_context(run_proxy(running.endpoint, seed=1))
            near = {"endpoint": proxy.endpoint, **({"request_checksum": checksum} if checksum else {})}
            place = running.bucket(f"unsigned-{abs(hash(request.node.name)):x}", "run").model_copy(update=near)
            wire = Wire(S3Store(place, tmp_path / "cache", LIMITS), proxy, tmp_path, harm, [])
            monkeypatch.setattr(proxy, "fate", wire.fate)
            return wire

        yield opened


def test_parts_go_unsigned_to_a_store_that_has_refused_one_that_does_not_fit(wired: Opener) -> None:
    wire = wired("versitygw")
    trial, *sent = wire.put(b"first")
    assert (trial.body, trial.signed, trial.unsigned) == (b"1", False, False)
    assert sorted(one.number for one in sent) == [1, 2, 3]
    assert all(one.unsigned for one in sent)
    again = wire.put(b"second")
    assert len(again) == 3
    assert all(one.unsigned for one in again)


@pytest.mark.parametrize("fault", [Fault.FLIPPED_REQUEST, Fault.UNCONFIRMED])
def test_an_unsigned_part_that_is_damaged_or_kept_without_a_word_is_sent_again_signed(
    wired: Opener, fault: Fault
) -> None:
    wire = wired("versitygw", fault)
    _, first, *others = wire.put(b"first")
    assert wire.proxy.counts == {fault: 1}
    assert first.unsigned
    assert [one.signed for one in others if one.number == first.number] == [True]
    assert all(one.signed for one in wire.put(b"second"))


@pytest.mark.parametrize("server", ["moto", "rclone"])
def test_a_store_that_looks_at_no_checksum_is_found_out_once_and_gets_signed_parts(wired: Opener, server: str) -> None:
    wire = wired(server)
    trial, *sent = wire.put(b"first")
    assert trial.body == b"1"
    assert len(sent) == 3
    assert all(one.signed for one in sent)
    again = wire.put(b"second")
    assert len(again) == 3
    assert all(one.signed for one in again)


def test_where_newer_checksums_are_not_wanted_parts_are_signed_and_nothing_is_tried(wired: Opener) -> None:
    sent = wired("versitygw", checksum=RequestChecksum.WHEN_REQUIRED).put(b"first")
    assert len(sent) == 3
    assert all(one.signed and "x-amz-checksum-crc32" not in one.headers for one in sent)


@pytest.mark.parametrize("harm", [Fault.ERROR, Fault.SLOW_DOWN, Fault.CUT_AFTER], ids=lambda harm: harm.name.lower())
def test_a_store_that_fails_for_a_moment_is_asked_again_and_trusted(wired: Opener, harm: Fault) -> None:
    wire = wired("versitygw", harm)
    sent = wire.put(b"first")[1:]
    assert wire.proxy.counts == {harm: 1}
    assert len(sent) == 4
    assert all(one.unsigned for one in sent)


def test_who_may_not_write_beside_the_blobs_signs(wired: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = multipart.create_upload

    def narrow(store: Bucket, key: str, deadline: Deadline) -> dict[str, Any]:
        if not key.startswith("blobs/"):
            raise RefusedError("writing is not allowed")
        return begin(store, key, deadline)

    monkeypatch.setattr(multipart, "create_upload", narrow)
    sent = wired("versitygw").put(b"first")
    assert len(sent) == 3
    assert all(one.signed for one in sent)
