"""Inputs at s3://, from real servers: a prefix is a folder and an object a file, whole, pinned, or refused."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import arena_inputs
import pytest
import s3_servers
from s3_servers import Server

from swarm_core.api.resolution import UriRole, UriUse
from swarm_core.errors import BadInputError
from swarm_core.recipe import digest_bytes
from swarm_trainer.sources import bucket_source, fetch_cache, fetching, source_uri
from swarm_trainer.sources.fetch_cache import FetchCache
from swarm_trainer.sources.fetching import FetchContext, FetchedInput, Pin
from swarm_trainer.stores import tree

MODEL: Mapping[str, bytes] = {
    "config.json": b"{}",
    "model.safetensors": bytes(range(256)) * (80 * 1024),
    "additional_chat_templates/x.jinja": b"{}",
}
"""20 MiB: more than one part."""


@pytest.fixture(params=["versitygw", "moto"])
def server(request: pytest.FixtureRequest, keys: None, monkeypatch: pytest.MonkeyPatch) -> Server:
    found: Server = request.getfixturevalue(request.param)
    monkeypatch.setenv("AWS_ENDPOINT_URL", found.endpoint)
    return found


@pytest.fixture
def client(server: Server) -> Any:
    return s3_servers.boto(server.endpoint)


@pytest.fixture
def name(client: Any, tmp_path: Path) -> str:
    """A new bucket with a model, an adapter and data."""
    name = f"in-{tmp_path.name[-40:].replace('_', '-')}".lower().strip("-")
    client.create_bucket(Bucket=name)
    folder = written(tmp_path / "model", MODEL)
    arena_inputs.upload_folder(client, name, "a b/model", folder)
    client.put_object(Bucket=name, Key="a b/model/.hidden/x.bin", Body=b"not ours")
    for other in ("README.md", "training_args.bin", "consolidated.safetensors", "original/model.safetensors"):
        client.put_object(Bucket=name, Key=f"a b/model/{other}", Body=b"not read")
    client.put_object(Bucket=name, Key="a b/model-two/config.json", Body=b"{}")
    client.put_object(Bucket=name, Key="data/seeds.jsonl", Body=b'{"text": "1+1"}\n')
    return name


@pytest.fixture
def context(tmp_path: Path) -> FetchContext:
    return FetchContext(FetchCache(tmp_path / "cache"), lambda uri, shape: fetching.find_source(uri, shape, None))


def written(folder: Path, files: Mapping[str, bytes]) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def fetch(context: FetchContext, role: UriRole, uri: str) -> FetchedInput:
    return fetching.fetch(UriUse(role, uri, "spec.field"), context)


def test_a_prefix_is_the_same_folder_as_the_one_that_was_uploaded(
    name: str, context: FetchContext, tmp_path: Path
) -> None:
    for uri in (f"s3://{name}/a b/model", f"s3://{name}/a b/model/"):
        found = fetch(context, UriRole.BASE, uri)
        assert found.pin.digest == tree.digest_tree(tmp_path / "model") == tree.digest_tree(found.path)


def test_an_object_is_a_file_with_its_name(name: str, context: FetchContext) -> None:
    found = fetch(context, UriRole.DATA, f"s3://{name}/data/seeds.jsonl")
    assert found.path.name == "seeds.jsonl"
    assert found.pin == Pin(digest_bytes(b'{"text": "1+1"}\n'), f"s3://{name}/data/seeds.jsonl")


def test_a_prefix_with_data_files_is_a_folder_of_data(client: Any, name: str, context: FetchContext) -> None:
    for key in ("set/train.csv", "set/test.csv", "set/README.md"):
        client.put_object(Bucket=name, Key=key, Body=b"text\n1+1\n")
    both: frozenset[str | None] = frozenset({None, "test"})
    for uri in (f"s3://{name}/set", f"s3://{name}/set/"):
        for splits, names in ((frozenset({None}), ["train.csv"]), (both, ["test.csv", "train.csv"])):
            use = UriUse(UriRole.DATA, uri, "spec.field", splits)
            found = fetching.fetch(use, context)
            assert sorted(tree.list_files(found.path)) == names
            assert found.pin.digest == tree.digest_tree(found.path)
            assert fetching.fetch_pinned(use, found.pin, context) == found


def test_what_did_not_change_is_not_fetched_again(
    name: str, context: FetchContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fetch(context, UriRole.BASE, f"s3://{name}/a b/model")
    monkeypatch.setattr(bucket_source.BucketSource, "download", None)
    assert fetch(context, UriRole.BASE, f"s3://{name}/a b/model") == first


def test_what_changed_is_another_input_and_the_pinned_one_stays(client: Any, name: str, context: FetchContext) -> None:
    uri = f"s3://{name}/a b/model"
    first = fetch(context, UriRole.BASE, uri)
    client.put_object(Bucket=name, Key="a b/model/config.json", Body=b'{"other": 1}')
    assert fetch(context, UriRole.BASE, uri).pin != first.pin
    assert fetching.fetch_pinned(UriUse(UriRole.BASE, uri, "spec.field"), first.pin, context) == first


def test_what_is_pinned_and_cached_needs_no_server(
    name: str, context: FetchContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fetch(context, UriRole.BASE, f"s3://{name}/a b/model")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert fetching.fetch_pinned(UriUse(UriRole.BASE, first.pin.at, "spec.field"), first.pin, context) == first


def test_a_cached_folder_that_was_changed_is_refused(name: str, context: FetchContext) -> None:
    first = fetch(context, UriRole.BASE, f"s3://{name}/a b/model")
    (first.path / "config.json").write_bytes(b"changed")
    with pytest.raises(Exception, match="changed after it was fetched; delete it, and it is fetched again"):
        fetch(context, UriRole.BASE, f"s3://{name}/a b/model")


REFUSED = {
    "no such object": (UriRole.DATA, "s3://{name}/data/none.jsonl", "there are no objects below this address"),
    "no such prefix": (UriRole.BASE, "s3://{name}/a b/mod", "there are no objects below this address"),
    "no such bucket": (UriRole.BASE, "s3://no-such-bucket/a", "there is no such bucket"),
    "no model": (UriRole.BASE, "s3://{name}/data", "has no config.json, which every model needs"),
    "no adapter": (
        UriRole.TAKER_ADAPTER,
        "s3://{name}/a b/model",
        "has no adapter_config.json, which every adapter needs",
    ),
    "no weights": (UriRole.BASE, "s3://{name}/a b/model-two", "has no weights (model.safetensors or "),
    "pickle": (UriRole.BASE, "s3://{name}/pickled", "but pytorch_model.bin, a pickle, which is refused"),
}


@pytest.mark.parametrize(("role", "uri", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused(
    client: Any, name: str, context: FetchContext, role: UriRole, uri: str, words: str
) -> None:
    client.put_object(Bucket=name, Key="pickled/pytorch_model.bin", Body=b"\x80\x04.")
    client.put_object(Bucket=name, Key="pickled/config.json", Body=b"{}")
    with pytest.raises(BadInputError) as refusal:
        fetch(context, role, uri.format(name=name))
    assert str(refusal.value).startswith(f"spec.field: {uri.format(name=name)!r}: ")
    assert words in str(refusal.value)
    assert not (context.cache.root / "trees").exists()


def test_a_key_that_would_leave_the_folder_is_refused(
    client: Any, name: str, context: FetchContext, moto: Server
) -> None:
    if client.meta.endpoint_url != moto.endpoint:
        pytest.skip("a gateway over a folder has no such keys itself; moto keeps them")
    client.put_object(Bucket=name, Key="escape/../../x.json", Body=b"{}")
    with pytest.raises(BadInputError, match="whose name is not a path inside a folder"):
        fetch(context, UriRole.BASE, f"s3://{name}/escape")


def test_a_wrong_key_is_refused_without_being_told(
    name: str, context: FetchContext, versitygw: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", versitygw.endpoint)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-and-still-a-secret")
    with pytest.raises(BadInputError, match="the store rejects this key") as refusal:
        fetch(context, UriRole.BASE, f"s3://{name}/a b/model")
    assert "wrong-and-still" not in str(refusal.value)


def test_too_little_disk_is_refused_with_both_figures(
    name: str, context: FetchContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = shutil.disk_usage(context.cache.root.parent)._replace(free=64 << 20)
    monkeypatch.setattr(fetching, "disk_usage", lambda _: free)
    with pytest.raises(BadInputError, match=r"0\.02 GiB to fetch, but 0\.06 GiB free in .*DATASWARM_CACHE"):
        fetch(context, UriRole.BASE, f"s3://{name}/a b/model")


def test_the_runs_own_store_says_how_its_bucket_and_others_are_reached(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = s3_servers.S3Storage(bucket="own", prefix="x", endpoint="http://own:1", region="eu")
    inside, outside = source_uri.BucketObject("own", "k"), source_uri.BucketObject("other", "k")
    assert bucket_source.resolve_storage(inside, own).endpoint == "http://own:1"
    assert bucket_source.resolve_storage(outside, own).endpoint is None
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    assert bucket_source.resolve_storage(outside, own).endpoint == "http://own:1"
    assert bucket_source.resolve_storage(outside, own).bucket == "other"


def test_a_fetch_that_was_killed_leaves_nothing_that_looks_whole(name: str, client: Any, tmp_path: Path) -> None:
    client.put_object(Bucket=name, Key="a b/model/tokenizer.json", Body=os.urandom(64 << 20))
    command = [sys.executable, str(Path(__file__).parents[1] / "support" / "fetch_once.py"), "BASE"]
    command.append(f"s3://{name}/a b/model")
    cache = tmp_path / "cache"
    environment = {**os.environ, fetch_cache.CACHE_VARIABLE: str(cache)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    while not [*cache.glob("coming/*/scratch/tokenizer.json")]:
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [*cache.glob("coming/*/whole/model.safetensors")]
    assert not (cache / "trees").exists()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    local = written(tmp_path / "model", {"tokenizer.json": read(client, name, "a b/model/tokenizer.json")})
    assert json.loads(done.stdout)["digest"] == tree.digest_tree(local)


def read(client: Any, name: str, key: str) -> bytes:
    data: bytes = client.get_object(Bucket=name, Key=key)["Body"].read()
    return data
