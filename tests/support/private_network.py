"""A private certificate authority, TLS servers with its certificates, and a forward proxy, on loopback ports.

The proxy resolves every name to this machine, so a client that reaches a name such as `models.test` has used it.
"""

import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "models.test"
"""A name that no resolver knows."""


@dataclass(frozen=True)
class Authority:
    """The files of an authority and of a server's certificate."""

    certificate: Path
    server: Path
    """The certificate and the key of a server at HOST, localhost and 127.0.0.1."""


def create_authority(folder: Path) -> Authority:
    """Create an authority and a certificate of a server."""
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a private authority")])
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    root = _builder(root_name, root_name, root_key).add_extension(constraints, critical=True)
    names = [x509.DNSName(HOST), x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    server = _builder(subject, root_name, key).add_extension(x509.SubjectAlternativeName(names), critical=False)
    pem = serialization.Encoding.PEM
    authority = Authority(folder / "authority.pem", folder / "server.pem")
    authority.certificate.write_bytes(root.sign(root_key, hashes.SHA256()).public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    authority.server.write_bytes(private + server.sign(root_key, hashes.SHA256()).public_bytes(pem))
    return authority


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )


@contextmanager
def serve_tls(authority: Authority, body: bytes) -> Iterator[int]:
    """The port of a TLS server that answers every request with `body`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that does not trust us hangs up
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with _serving(server):
        yield int(server.server_address[1])


@dataclass
class Proxy:
    """A forward proxy."""

    url: str
    targets: list[str] = field(default_factory=list)
    """The targets of its tunnels, as HOST:PORT."""


@contextmanager
def forward_proxy() -> Iterator[Proxy]:
    """A proxy that opens tunnels (CONNECT), whatever their host, to the port on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            proxy.targets.append(self.path)
            port = int(self.path.rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port)) as target:
                self.send_response(200)
                self.end_headers()
                with suppress(OSError):
                    _relay(self.connection, target)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy = Proxy(f"http://127.0.0.1:{server.server_address[1]}")
    with _serving(server):
        yield proxy


def _relay(one: socket.socket, other: socket.socket) -> None:
    """Copy bytes both ways until one side ends."""
    while True:
        for readable in select.select([one, other], [], [], 5)[0]:
            data = readable.recv(1 << 16)
            if not data:
                return
            (other if readable is one else one).sendall(data)


@contextmanager
def _serving(server: ThreadingHTTPServer) -> Iterator[None]:
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
