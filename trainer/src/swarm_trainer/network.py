"""The certificate authorities and the proxies that every connection of this process uses, from the environment.

Authorities: those of certifi, the same on every machine, and every certificate in the files that SSL_CERT_FILE,
REQUESTS_CA_BUNDLE, AWS_CA_BUNDLE or CURL_CA_BUNDLE name. `export_authorities` gives the libraries that read these
variables themselves, and child processes, one file with all of them.

Proxies: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, as in curl. A loopback address never uses a proxy.

Limits: a folder of certificates (SSL_CERT_DIR) is not read. NO_PROXY holds names and suffixes, and no address ranges.
"""

import functools
import hashlib
import ipaddress
import os
import ssl
import stat
import tempfile
import urllib.request
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import certifi

from swarm_core.errors import BadInputError

CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "CURL_CA_BUNDLE")
UNTRUSTED = (
    "its certificate is not from an authority that is trusted here; name the file with the authority's certificate in"
    " SSL_CERT_FILE, or on a cluster in spec.execution.kubernetes.caBundle"
)
"""What to do about a certificate of an unknown authority."""


def find_authorities() -> tuple[Path, ...]:
    """The files with additional authorities, in order and without repeats. Raises BadInputError for a missing file."""
    named = {variable: os.environ.get(variable, "") for variable in CA_VARIABLES}
    for variable, path in named.items():
        if path and not Path(path).is_file():
            raise BadInputError(f"{variable} names {path}, which is no file; correct the path, or unset {variable}")
    return tuple(dict.fromkeys(Path(path) for path in named.values() if path))


def create_ssl_context() -> ssl.SSLContext:
    """A context that trusts all authorities. Raises BadInputError."""
    context = ssl.create_default_context(cafile=certifi.where())
    for file in find_authorities():
        try:
            context.load_verify_locations(cafile=file)
        except ssl.SSLError as error:
            raise BadInputError(
                f"{file} holds no certificate in PEM format; convert it, or unset its variable"
            ) from error
    return context


def find_bundle() -> str | None:
    """The path of one file with all authorities. None if the environment names none. Raises BadInputError."""
    found = find_authorities()
    if not found:
        return None
    return _write_bundle(tuple((file, file.stat().st_mtime_ns) for file in found))


def export_authorities() -> None:
    """Set the variables to one file with all authorities, if any of them is set. Raises BadInputError."""
    bundle = find_bundle()
    if bundle is not None:
        os.environ.update(dict.fromkeys(CA_VARIABLES, bundle))


def find_proxy(url: str) -> str | None:
    """The address of the proxy for `url`. None if it is reached without one."""
    parts = urlsplit(url)
    proxies = urllib.request.getproxies()
    if _is_loopback(parts.hostname or "") or urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@functools.cache
def _write_bundle(files: tuple[tuple[Path, int], ...]) -> str:
    """Write certifi's authorities and `files` into one file, named by its content. Processes share it."""
    public = Path(certifi.where()).read_bytes().rstrip() + b"\n"
    named = [file.read_bytes().rstrip() + b"\n" for file, _ in files]
    if len(named) == 1 and named[0].startswith(public):  # the bundle of a parent process
        return str(files[0][0])
    certificates = b"".join((public, *named))
    bundle = _find_private_folder() / f"ca-{hashlib.sha256(certificates).hexdigest()}.pem"
    if not bundle.exists():
        descriptor, partial = tempfile.mkstemp(dir=bundle.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(certificates)
        Path(partial).replace(bundle)
    return str(bundle)


def _find_private_folder() -> Path:
    """A folder for temporary files that no other user can write to: the same one for all processes of this user, unless
    another user has taken its name."""
    folder = Path(tempfile.gettempdir(), f"dataswarm-{os.getuid()}")
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
        return folder
    return Path(tempfile.mkdtemp(prefix="dataswarm-"))
