"""A real control plane for a test session: etcd and kube-apiserver from `KUBEBUILDER_ASSETS`, on free loopback ports.

Limits: no controllers, no nodes. Invariant: nothing it started outlives the session; where Python cannot clean up, as
under SIGKILL, the kernel ends the processes with their parent.
"""

import ctypes
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ROOT.parent / "shared" / "cluster"
STARTING_SECONDS = 120
TOKEN = "cluster-tests"
PR_SET_PDEATHSIG = 1


class ApiServer:
    """A kube-apiserver, spoken to over one connection."""

    def __init__(self, port: int, certificate: Path) -> None:
        self.certificate = certificate
        trust = ssl.create_default_context(cafile=str(certificate))
        self.connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=trust)

    def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> tuple[int, Any]:
        """Status code and decoded answer; `body` is text as it is, or sent as JSON."""
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": kind, "Accept": "application/json"}
        self.connection.request(method, path, text.encode() if text else None, headers)
        answer = self.connection.getresponse()
        return answer.status, _decoded(answer.read())


def _decoded(body: bytes) -> Any:
    """An object, or the text of what is none, such as a watch's several."""
    return json.loads(body) if body.startswith(b"{") and body.count(b"\n") <= 1 else body.decode()


@pytest.fixture(scope="session")
def api_server() -> Iterator[ApiServer]:
    """An empty API server."""
    assets = _assets()
    with tempfile.TemporaryDirectory(prefix="dataswarm-cluster-") as folder, ExitStack() as started:
        home = Path(folder)
        store, peer, port = _free_ports(3)
        started.enter_context(_running(_etcd(assets, home, store, peer), home / "etcd.log"))
        process = started.enter_context(_running(_apiserver(assets, home, store, port), home / "apiserver.log"))
        server = _ready(port, home, process)
        started.callback(server.connection.close)
        yield server


def _assets() -> Path:
    """The folder of the binaries. Skips without it, but fails in CI where they are at hand."""
    if folder := os.environ.get("KUBEBUILDER_ASSETS"):
        return Path(folder)
    if os.environ.get("CI") == "true" and TOOLS.exists():
        pytest.fail(f"KUBEBUILDER_ASSETS is unset in CI; set it to what `{TOOLS}/cluster tools` prints", pytrace=False)
    pytest.skip(
        "KUBEBUILDER_ASSETS is unset; set it to a folder with etcd and kube-apiserver (setup-envtest fetches them)"
    )


def _etcd(assets: Path, home: Path, port: int, peer: int) -> list[str]:
    here, there = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer}"
    return [
        str(assets / "etcd"),
        f"--data-dir={home / 'etcd'}",
        f"--listen-client-urls={here}",
        f"--advertise-client-urls={here}",
        f"--listen-peer-urls={there}",
        f"--initial-advertise-peer-urls={there}",
        f"--initial-cluster=default={there}",
        "--unsafe-no-fsync",
    ]


def _apiserver(assets: Path, home: Path, store: int, port: int) -> list[str]:
    key = home / "service-accounts.key"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    tokens = home / "tokens.csv"
    tokens.write_text(f"{TOKEN},tests,tests,system:masters\n")
    return [
        str(assets / "kube-apiserver"),
        f"--etcd-servers=http://127.0.0.1:{store}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={home / 'certificates'}",
        f"--token-auth-file={tokens}",
        "--authorization-mode=AlwaysAllow",
        "--service-account-issuer=https://dataswarm.test",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--disable-admission-plugins=ServiceAccount",
        "--endpoint-reconciler-type=none",
    ]


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, cwd=log.parent, preexec_fn=_die_with_parent)  # noqa: PLW1509  (one thread)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, all different."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _ready(port: int, home: Path, process: subprocess.Popen[bytes]) -> ApiServer:
    """The server, once it answers that it is ready."""
    for _ in range(STARTING_SECONDS * 5):
        if server := _answering(port, home / "certificates" / "apiserver.crt"):
            return server
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
        break
    pytest.fail(f"kube-apiserver is not ready:\n{(home / 'apiserver.log').read_text()[-2000:]}", pytrace=False)


def _answering(port: int, certificate: Path) -> ApiServer | None:
    if not certificate.exists():
        return None
    server = ApiServer(port, certificate)
    try:
        if server.call("GET", "/readyz")[0] == 200:
            return server
    except OSError:
        pass  # nobody listens yet
    server.connection.close()
    return None
