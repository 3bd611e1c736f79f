"""A kubeconfig that is missing or no valid one is refused in one line, and is never a traceback."""

import asyncio
from pathlib import Path

import pytest

from swarm_operator.api_client import client
from swarm_operator.api_client.cluster import ApiError

CONTEXT = "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
CLUSTER = "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:9', %s}}]\nusers: [{name: u, user: {%s}}]\n"
BROKEN = {
    "not YAML": b"a: [b\n",
    "binary": b"\x80\x81",
    "a list": b"[1]",
    "empty": b"",
    "text": b"hello",
    "without its context": b"apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: []\nclusters: []\nusers: []\n",
    "an authority that is none": (CONTEXT + CLUSTER % ("certificate-authority-data: aGVsbG8=", "token: t")).encode(),
    "a provider without its command": (CONTEXT + CLUSTER % ("", "auth-provider: {name: gcp}")).encode(),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_kubeconfig_that_is_no_valid_one_is_refused_in_one_line(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_bytes(content)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    with pytest.raises(ApiError, match=r"no credentials for the API server: .*; set KUBECONFIG") as refused:
        asyncio.run(client.connect())
    assert "\n" not in str(refused.value)


def test_a_missing_kubeconfig_is_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(ApiError, match=f"no kubeconfig at {tmp_path / 'none'}"):
        asyncio.run(client.connect())
    assert caplog.records == []
