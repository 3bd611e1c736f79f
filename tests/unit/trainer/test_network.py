"""Private authorities and proxies of the environment, for endpoints, buckets and the hub."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import private_network
import pytest
from huggingface_hub.utils._http import default_client_factory
from private_network import HOST, Authority, Proxy

from swarm_core.api.execution import S3Storage
from swarm_core.errors import BadInputError
from swarm_trainer import network
from swarm_trainer.inference.http_session import HttpSession, NoResponseError
from swarm_trainer.inference.retrying_client import EventLoopThread
from swarm_trainer.stores import s3_bucket, s3_errors
from swarm_trainer.stores.retry_policy import RetryLimits

LISTING = (
    b'<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>swarms</Name>'
    b"<KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>"
)
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return private_network.create_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def port(authority: Authority) -> Iterator[int]:
    with private_network.serve_tls(authority, LISTING) as found:
        yield found


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    with private_network.forward_proxy() as found:
        yield found


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*network.CA_VARIABLES, *PROXY_VARIABLES, *map(str.lower, PROXY_VARIABLES)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")


def ask_endpoint(url: str) -> str:
    """The status of an endpoint, or why there is no answer."""

    async def work(session: HttpSession) -> str:
        try:
            return str((await session.get(url, {}, 10.0)).status)
        except NoResponseError as error:
            return str(error)

    line = EventLoopThread()
    try:
        return line.run(work)
    finally:
        line.close()


def ask_bucket(url: str) -> str:
    """`200` if a bucket is listed, or else the way out."""
    storage = S3Storage(bucket="swarms", endpoint=url)
    client = s3_bucket.build_client(storage, RetryLimits())
    try:
        client.list_objects_v2(Bucket="swarms")
    except Exception as error:
        is_final = s3_errors.classify(error) is s3_errors.ErrorKind.PERMANENT
        return s3_errors.find_remedy(error, writing=False) if is_final else repr(error)
    return "200"


def ask_hub(url: str) -> str:
    """The status of a request by the hub's own client, or the name of its error."""
    network.export_authorities()
    try:
        with default_client_factory() as client:
            return str(client.get(url).status_code)
    except Exception as error:
        return network.UNTRUSTED if "CERTIFICATE_VERIFY_FAILED" in str(error) else repr(error)


ASK = {"endpoint": ask_endpoint, "bucket": ask_bucket, "hub": ask_hub}


@pytest.mark.parametrize("asked", ASK)
@pytest.mark.parametrize("variable", network.CA_VARIABLES)
def test_an_authority_that_a_variable_names_is_trusted(
    asked: str, variable: str, authority: Authority, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"https://127.0.0.1:{port}"
    assert ASK[asked](url) == network.UNTRUSTED
    monkeypatch.setenv(variable, str(authority.certificate))
    assert ASK[asked](url) == "200"


@pytest.mark.parametrize("asked", ASK)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy"])
def test_a_proxy_reaches_what_this_machine_does_not_know(
    asked: str, variable: str, authority: Authority, port: int, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    monkeypatch.setenv(variable, proxy.url)
    before = len(proxy.targets)
    assert ASK[asked](f"https://{HOST}:{port}") == "200"
    assert set(proxy.targets[before:]) == {f"{HOST}:{port}"}


def test_a_proxy_is_not_asked_for_what_it_is_not_for(
    authority: Authority, port: int, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    before = len(proxy.targets)
    assert ask_endpoint(f"https://localhost:{port}") == "200"
    monkeypatch.setenv("NO_PROXY", ".test,elsewhere")
    assert ask_endpoint(f"https://{HOST}:{port}") != "200"
    assert len(proxy.targets) == before


URLS = [
    ("https://api.example/v1", "http://p:1"),
    ("http://api.example/v1", None),
    ("https://127.0.0.1:8000", None),
    ("https://[::1]:8000", None),
    ("https://localhost/v1", None),
    ("https://a.internal:9/v1", None),
    ("https://internal.example", "http://p:1"),
]


@pytest.mark.parametrize(("url", "expected"), URLS)
def test_the_proxy_of_an_address(url: str, expected: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "p:1")
    monkeypatch.setenv("NO_PROXY", ".internal,10.0.0.1")
    assert network.find_proxy(url) == expected


def test_public_authorities_stay_trusted_beside_private_ones(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = len(network.create_ssl_context().get_ca_certs())
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    assert len(network.create_ssl_context().get_ca_certs()) == public + 1
    network.export_authorities()
    exported = {os.environ[name] for name in network.CA_VARIABLES}
    assert len(exported) == 1
    text = Path(exported.pop()).read_text()
    assert text.count("BEGIN CERTIFICATE") >= public + 1
    assert len(network.create_ssl_context().get_ca_certs()) == public + 1


def test_processes_share_one_bundle_and_leave_no_other(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    show = (
        "import os; from swarm_trainer import network; network.export_authorities(); print(os.environ['SSL_CERT_FILE'])"
    )
    child = f"{show}; import subprocess, sys; subprocess.run([sys.executable, '-c', {show!r}], check=True)"
    for _ in range(2):
        ran = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True)
        parents, childs = map(Path, sorted(ran.stdout.split()))
        assert parents == childs
        assert [file for file in tmp_path.rglob("*") if file.is_file()] == [parents]


@pytest.mark.parametrize("taken", ["link", "open", "file"])
def test_a_bundle_never_lies_in_a_folder_that_others_can_change(
    taken: str, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others, name = tmp_path / "others", tmp_path / f"dataswarm-{os.getuid()}"
    others.mkdir()
    others.chmod(0o777)
    if taken == "link":
        name.symlink_to(others)
    elif taken == "open":
        others.rename(name)
    else:
        name.touch()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    network._write_bundle.cache_clear()
    bundle = Path(network.find_bundle() or "")
    network._write_bundle.cache_clear()
    assert bundle.is_file()
    assert bundle.parent.stat().st_mode & 0o077 == 0
    assert bundle.parent.resolve() not in {others.resolve(), name.resolve()}


@pytest.mark.parametrize("variable", network.CA_VARIABLES)
def test_a_file_that_is_missing_or_holds_no_certificate_is_refused_by_name(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "none.pem"))
    with pytest.raises(BadInputError, match=f"{variable} names .*none.pem"):
        network.export_authorities()
    (tmp_path / "none.pem").write_text("no certificate")
    with pytest.raises(BadInputError, match="no certificate in PEM format"):
        network.create_ssl_context()
