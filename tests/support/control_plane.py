"""A real control plane for tests: etcd, kube-apiserver, controller manager and scheduler, on free loopback ports.

The API server can be stopped and started again, as in an upgrade; its data stays. Invariant: no process outlives the
test process. If Python cannot clean up, as after SIGKILL, the kernel ends the processes with their parent.
"""

import ctypes
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

STARTING_SECONDS = 120
ADMIN = "cluster-tests"
"""The token of a user who may do everything."""
OPERATOR = "operator-tests"
"""The token of the operator, with the rights that `operator_rights` grants."""
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)
NODE_GRACE_SECONDS = 4
"""A node without a heartbeat for this long is NotReady."""
EVICTION_SECONDS = 1
"""The pods of such a node are deleted after this time."""
CONTROLLERS = (
    "garbage-collector-controller", "job-controller", "deployment-controller", "replicaset-controller",
    "node-lifecycle-controller", "taint-eviction-controller", "pod-garbage-collector-controller",
    "namespace-controller", "endpointslice-controller", "ttl-after-finished-controller",
)  # fmt: skip


class NotServingError(OSError):
    """The API server does not serve, or not everything yet: it serves CRDs a moment after it reports ready."""


class ApiServer:
    """A client of a kube-apiserver with one connection, for one thread at a time."""

    def __init__(self, port: int, certificate: Path, token: str = ADMIN) -> None:
        self.port, self.certificate, self.token = port, certificate, token
        trust = ssl.create_default_context(cafile=str(certificate))
        self.connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=trust)
        self.turn = threading.Lock()

    def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> tuple[int, Any]:
        """Status code and decoded response.

        A text `body` is sent as it is, any other as JSON. Raises OSError without a response.
        """
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind, "Accept": "application/json"}
        with self.turn:
            try:
                self.connection.request(method, path, text.encode() if text else None, headers)
                answer = self.connection.getresponse()
                return answer.status, _decode(answer.read())
            except (OSError, http.client.HTTPException):
                self.connection.close()  # the next call opens another one
                raise

    def merge(self, path: str, patch: Any) -> tuple[int, Any]:
        """Send a JSON merge patch."""
        return self.call("PATCH", path, patch, "application/merge-patch+json")

    def strategic(self, path: str, patch: Any) -> tuple[int, Any]:
        """Send a strategic merge patch, which merges lists of named objects by name."""
        return self.call("PATCH", path, patch, "application/strategic-merge-patch+json")

    def items(self, path: str) -> list[Any]:
        """The objects of a list. Raises NotServingError."""
        status, answer = self.call("GET", path)
        if status != 200:
            raise NotServingError(f"GET {path}: {status} {answer}")
        return list(answer["items"])


def _decode(body: bytes) -> Any:
    """An object, or the text of a response that is not one object, such as that of a watch."""
    return json.loads(body) if body.startswith(b"{") and body.count(b"\n") <= 1 else body.decode()


class ControlPlaneProcess:
    """One process of the control plane."""

    def __init__(self, command: list[str], log: Path) -> None:
        self.command, self.log = command, log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command,
                stdout=out,
                stderr=out,
                cwd=self.log.parent,
                preexec_fn=die_with_parent,  # noqa: PLW1509  (it takes no lock)
            )

    def stop(self, kill: bool = False) -> None:
        if self.process is None:
            return
        self.process.kill() if kill else self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


class ControlPlane:
    """All processes. Call `start_api` first, and `start_controllers` if a test needs scheduling."""

    def __init__(self, assets: Path, home: Path) -> None:
        self.home = home
        store, peer, self.port = free_ports(3)
        self.certificate = home / "certificates" / "apiserver.crt"
        self.etcd = ControlPlaneProcess(_etcd(assets, home, store, peer), home / "etcd.log")
        self.apiserver = ControlPlaneProcess(_apiserver(assets, home, store, self.port), home / "apiserver.log")
        self.kubeconfig = home / "admin.kubeconfig"
        self.managers = [
            ControlPlaneProcess(_manager(assets, self.kubeconfig, home), home / "manager.log"),
            ControlPlaneProcess(_scheduler(assets, self.kubeconfig), home / "scheduler.log"),
        ]

    api: ApiServer
    """The connection of the main thread of the tests, once there is one."""

    def start_api(self) -> ApiServer:
        """Start the API server and wait until it is ready. Raises NotServingError."""
        self.etcd.start()
        self.apiserver.start()
        server = self.ready()
        self.write_kubeconfig(self.kubeconfig, ADMIN)
        return server

    def start_controllers(self) -> None:
        for part in self.managers:
            part.start()

    def restart_api(self, down_seconds: float = 0.0) -> None:
        """Kill the API server and start it again."""
        self.apiserver.stop(kill=True)
        time.sleep(down_seconds)
        self.apiserver.start()
        self.ready().connection.close()

    def stop(self) -> None:
        for part in (*self.managers, self.apiserver, self.etcd):
            part.stop()

    def write_kubeconfig(self, path: Path, token: str, server: str = "") -> Path:
        """Write a kubeconfig with `token`. `server` replaces the address of the API server."""
        cluster = {"server": server or f"https://127.0.0.1:{self.port}", "certificate-authority": str(self.certificate)}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "tests",
            "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests"}}],
            "clusters": [{"name": "tests", "cluster": cluster}],
            "users": [{"name": "tests", "user": {"token": token}}],
        }
        path.write_text(yaml.safe_dump(document))
        return path

    def ready(self) -> ApiServer:
        """Wait until the API server reports ready. Raises NotServingError."""
        for _ in range(STARTING_SECONDS * 5):
            if server := self._answering():
                return server
            process = self.apiserver.process
            assert process is not None
            try:
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
            break
        raise NotServingError(f"kube-apiserver is not ready:\n{self.apiserver.log.read_text()[-2000:]}")

    def _answering(self) -> ApiServer | None:
        if not self.certificate.exists():
            return None
        server = ApiServer(self.port, self.certificate)
        try:
            if server.call("GET", "/readyz")[0] == 200:
                return server
        except OSError:
            pass  # nobody listens yet
        server.connection.close()
        return None


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
    tokens.write_text(f"{ADMIN},tests,tests,system:masters\n{OPERATOR},operator,operator\n")
    return [
        str(assets / "kube-apiserver"),
        f"--etcd-servers=http://127.0.0.1:{store}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={home / 'certificates'}",
        f"--token-auth-file={tokens}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://dataswarm.test",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--disable-admission-plugins=ServiceAccount",
        # As on OpenShift: an owner reference that blocks deletion needs a right on the owner.
        "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
        "--endpoint-reconciler-type=none",
        f"--default-not-ready-toleration-seconds={EVICTION_SECONDS}",
        f"--default-unreachable-toleration-seconds={EVICTION_SECONDS}",
    ]


def _manager(assets: Path, kubeconfig: Path, home: Path) -> list[str]:
    return [
        str(assets / "kube-controller-manager"),
        f"--kubeconfig={kubeconfig}",
        "--leader-elect=false",
        "--secure-port=0",
        f"--controllers={','.join(CONTROLLERS)}",
        f"--service-account-private-key-file={home / 'service-accounts.key'}",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        "--node-monitor-period=1s",
        f"--node-monitor-grace-period={NODE_GRACE_SECONDS}s",
        "--node-eviction-rate=10",
        "--secondary-node-eviction-rate=10",
        "--unhealthy-zone-threshold=1.0",
    ]


def _scheduler(assets: Path, kubeconfig: Path) -> list[str]:
    return [
        str(assets / "kube-scheduler"),
        f"--kubeconfig={kubeconfig}",
        "--leader-elect=false",
        "--secure-port=0",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    ]


def die_with_parent() -> None:
    """For `preexec_fn`: one system call, so it is safe beside other threads."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_ports(count: int) -> list[int]:
    """Different ports that were free a moment ago."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def find_assets() -> Path | None:
    """The folder of the binaries, if the environment names one."""
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    return Path(folder) if folder else None
