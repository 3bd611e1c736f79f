"""Inputs at hf://, with the hub's own client against a small hub: what comes, what is pinned, what is refused."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import hub_server
import pytest
from hub_server import Hub, Repository

from swarm_core.api.generators import SeedDataSource
from swarm_trainer.data import seeds
from swarm_trainer.stores import files, tree

pytestmark = pytest.mark.long
FETCH = [sys.executable, str(Path(__file__).parents[1] / "support" / "fetch_once.py")]
WEIGHTS = bytes(range(256)) * (40 * 4096)
"""40 MiB: more than the client reads at a time."""
FILES: Mapping[str, bytes] = {
    ".gitattributes": b"*.safetensors lfs\n",
    "LICENSE": b"free\n",
    "README.md": b"a model\n",
    "config.json": b'{"model_type": "llama"}',
    "model.safetensors": WEIGHTS,
    "model.fp16.safetensors": b"of another precision",
    "onnx/model.onnx": b"x" * 100,
    "original/consolidated.safetensors": b"of another format",
    "pytorch_model.bin": b"\x80\x04.",
    "tokenizer.json": b"{}",
}
KEPT = ("config.json", "model.safetensors", "tokenizer.json")
SECRET = "hf_a-token-that-no-message-may-hold"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hub_server.run_hub() as hub:
        hub.repositories["models/org/model"] = Repository()
        hub.repositories["models/org/model"].commit(FILES)
        yield hub


@pytest.fixture
def environment(hub: Hub, tmp_path: Path) -> dict[str, str]:
    """Of a machine with nothing cached, whose hub is the small one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    return {
        **kept,
        "HF_ENDPOINT": hub.endpoint,
        "HF_HOME": str(tmp_path / "hf"),
        "DATASWARM_CACHE": str(tmp_path / "cache"),
    }


def fetch(environment: Mapping[str, str], role: str, uri: str, *pin: str) -> dict[str, str]:
    done = subprocess.run([*FETCH, role, uri, *pin], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def refused(environment: Mapping[str, str], role: str, uri: str) -> str:
    found = fetch(environment, role, uri)
    assert found.get("error") == "BadInputError", found
    assert found["message"].startswith(f"spec.field: {uri!r}: ")
    assert "\n" not in found["message"]
    assert SECRET not in found["message"]
    return found["message"]


def test_a_model_is_the_files_that_are_read_at_the_commit_of_its_branch(
    hub: Hub, environment: dict[str, str], tmp_path: Path
) -> None:
    found = fetch(environment, "BASE", "hf://org/model@main")
    folder = Path(found["path"])
    assert {name: (folder / name).read_bytes() for name in KEPT} == {name: FILES[name] for name in KEPT}
    assert sorted(tree.list_files(folder)) == sorted(KEPT)
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    assert found["digest"] == tree.digest_tree(copy)
    assert found["at"] == f"hf://org/model@{hub.repositories['models/org/model'].branches['main']}"
    assert len(hub.large()) == 1


def test_what_is_cached_is_not_fetched_again_and_a_commit_asks_nobody(hub: Hub, environment: dict[str, str]) -> None:
    first = fetch(environment, "BASE", "hf://org/model")
    hub.asked.clear()
    assert fetch(environment, "BASE", "hf://org/model") == first
    assert hub.about("org/model") == ["/api/models/org/model/revision/main"]
    hub.asked.clear()
    assert fetch(environment, "BASE", first["at"]) == first
    assert hub.asked == []


def test_offline_a_cached_branch_is_found_without_a_call(hub: Hub, environment: dict[str, str]) -> None:
    first = fetch(environment, "BASE", "hf://org/model@main")
    hub.asked.clear()
    assert fetch({**environment, "HF_HUB_OFFLINE": "1"}, "BASE", "hf://org/model@main") == first
    assert hub.asked == []


def test_offline_what_is_not_cached_is_refused(hub: Hub, environment: dict[str, str]) -> None:
    words = refused({**environment, "HF_HUB_OFFLINE": "1"}, "BASE", "hf://org/model@main")
    assert "HF_HUB_OFFLINE is set, and the input is not in the cache" in words
    assert hub.asked == []


def test_offline_the_hubs_own_cache_is_enough_if_it_holds_the_whole_commit(
    hub: Hub, environment: dict[str, str]
) -> None:
    download = "import huggingface_hub as h; h.snapshot_download('org/model')"
    subprocess.run([sys.executable, "-c", download], env=environment, capture_output=True, check=True)
    hub.asked.clear()
    found = fetch({**environment, "HF_HUB_OFFLINE": "1"}, "BASE", "hf://org/model")
    assert sorted(tree.list_files(Path(found["path"]))) == sorted(KEPT)
    assert hub.asked == []


def test_a_branch_that_moves_is_still_what_the_run_pinned(hub: Hub, environment: dict[str, str]) -> None:
    first = fetch(environment, "BASE", "hf://org/model@main")
    hub.repositories["models/org/model"].commit({**FILES, "config.json": b'{"model_type": "other"}'})
    pin = json.dumps({"digest": first["digest"], "at": first["at"]})
    shutil.rmtree(environment["DATASWARM_CACHE"])
    again = fetch(environment, "BASE", "hf://org/model@main", pin)
    assert again == first
    assert fetch(environment, "BASE", "hf://org/model@main")["digest"] != first["digest"]


def test_after_a_kill_the_files_that_came_are_kept_and_the_one_that_was_cut_begins_again(
    hub: Hub, environment: dict[str, str]
) -> None:
    index = json.dumps({"weight_map": {"a": "first.safetensors", "b": "second.safetensors"}}).encode()
    parts = {
        "first.safetensors": WEIGHTS[: 1 << 20],
        "second.safetensors": WEIGHTS,
        "third.safetensors": b"of no index",
    }
    files_of_parts = {name: data for name, data in FILES.items() if name != "model.safetensors"} | parts
    hub.repositories["models/org/model"].commit({**files_of_parts, "model.safetensors.index.json": index})
    hub.stall_after = 25 << 20
    process = subprocess.Popen([*FETCH, "BASE", "hf://org/model"], env=environment, stderr=subprocess.DEVNULL)
    assert hub.stalled.wait(60)
    cache = Path(environment["DATASWARM_CACHE"])
    while not [*cache.glob("coming/*/whole/first.safetensors")]:
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (cache / "trees").exists()
    hub.stall_after = None
    hub.asked.clear()
    found = fetch(environment, "BASE", "hf://org/model")
    names = {"config.json", "first.safetensors", "model.safetensors.index.json", "second.safetensors", "tokenizer.json"}
    assert {path.name for path in Path(found["path"]).iterdir()} == names
    assert files.digest(Path(found["path"]) / "second.safetensors") == hashlib.sha256(WEIGHTS).hexdigest()
    assert [one.path for one in hub.large()] == [f"/store/{hashlib.sha256(WEIGHTS).hexdigest()}"]
    assert [*cache.glob("coming/*/*")] == []


def test_weights_that_come_damaged_are_found_and_fetched_again(hub: Hub, environment: dict[str, str]) -> None:
    hub.damaged = True
    found = fetch(environment, "BASE", "hf://org/model")
    assert found["error"] == "StoreError"
    assert "model.safetensors: received" in found["message"]
    hub.damaged = False
    assert "path" in fetch(environment, "BASE", "hf://org/model")


def test_a_private_repository_is_read_with_the_token_and_no_message_holds_it(
    hub: Hub, environment: dict[str, str], tmp_path: Path
) -> None:
    hub.repositories["models/org/model"].token = SECRET
    assert "shows no such model; correct the name, or if the model is private set HF_TOKEN" in refused(
        environment, "BASE", "hf://org/model"
    )
    assert "path" in fetch({**environment, "HF_TOKEN": SECRET}, "BASE", "hf://org/model")
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "token").write_text(SECRET)
    assert "path" in fetch({**environment, "HF_TOKEN_PATH": str(tmp_path / "token")}, "BASE", "hf://org/model")


def test_a_data_set_gives_one_file(hub: Hub, environment: dict[str, str]) -> None:
    hub.repositories["datasets/org/data"] = Repository()
    hub.repositories["datasets/org/data"].commit({"a/seeds.jsonl": b'{"text": "1+1"}\n', "b.jsonl": b"{}"}, "v1")
    found = fetch(environment, "DATA", "hf://datasets/org/data@v1/a/seeds.jsonl")
    assert Path(found["path"]).read_bytes() == b'{"text": "1+1"}\n'
    assert found["digest"] == hashlib.sha256(b'{"text": "1+1"}\n').hexdigest()
    assert "there is no such file or folder at commit" in refused(
        environment, "DATA", "hf://datasets/org/data@v1/c.jsonl"
    )


def test_a_data_set_without_a_path_is_its_data_files(hub: Hub, environment: dict[str, str]) -> None:
    hub.repositories["datasets/org/data"] = Repository()
    lines = {f"main/{name}-0.jsonl": f'{{"text": "{name}"}}\n'.encode() for name in ("train", "test")}
    train = {name: data for name, data in lines.items() if "train" in name}
    others = {"README.md": b"x", "dataset_infos.json": b"{}", "main/weights.safetensors": b"x", "code.py": b"x"}
    hub.repositories["datasets/org/data"].commit({**lines, **others})
    for uri in ("hf://datasets/org/data", "hf://datasets/org/data@main/main"):
        found = fetch(environment, "DATA", uri)
        folder = Path(found["path"])
        assert {name: (folder / name).read_bytes() for name in tree.list_files(folder)} == train
        assert [seed.item.text for seed in seeds.read(folder, SeedDataSource(uri=uri)).items] == ["train"]
        pin = json.dumps({"digest": found["digest"], "at": found["at"]})
        assert fetch({**environment, "HF_HUB_OFFLINE": "1"}, "DATA", uri, pin) == found
        shutil.rmtree(environment["DATASWARM_CACHE"])
        assert fetch(environment, "DATA", uri, pin) == found
    hub.repositories["datasets/org/data"].commit({"README.md": b"x"})
    assert "no folder with data files (.csv, " in refused(environment, "DATA", "hf://datasets/org/data")


def test_a_folder_of_a_repository_is_an_adapter(hub: Hub, environment: dict[str, str]) -> None:
    hub.repositories["models/org/adapters"] = Repository()
    adapter = {"adapter_config.json": b"{}", "adapter_model.safetensors": b"weights"}
    both = {f"{name}/{file}": data for name in ("a", "ab") for file, data in adapter.items()}
    others = {"config.json": b"{}", "a/tokenizer.json": b"{}", "a/training_args.bin": b"\x80\x04."}
    hub.repositories["models/org/adapters"].commit({**both, **others})
    found = fetch(environment, "TAKER_ADAPTER", "hf://org/adapters/a")
    assert {path.name: path.read_bytes() for path in Path(found["path"]).iterdir()} == adapter


REFUSED = {
    "no such repository": ("hf://org/other", "shows no such model"),
    "no such revision": ("hf://org/model@v9", "has no revision 'v9' of this model"),
    "gated": ("hf://org/gated", "the model is gated; request access at"),
    "no config": ("hf://org/part", "has no config.json, which every model needs"),
    "only pickles": ("hf://org/pickled", "but pytorch_model.bin, a pickle, which is refused"),
    "empty folder": ("hf://org/model/none", "there are no files at this address"),
    "a name that leaves its folder": ("hf://org/traversal", "is not a path inside a folder"),
}


@pytest.mark.parametrize(("uri", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused(hub: Hub, environment: dict[str, str], uri: str, words: str) -> None:
    hub.repositories |= {f"models/org/{name}": Repository() for name in ("gated", "part", "pickled", "traversal")}
    hub.repositories["models/org/gated"].commit(FILES)
    hub.repositories["models/org/gated"].gated = True
    hub.repositories["models/org/part"].commit({"model.safetensors": b"weights"})
    hub.repositories["models/org/pickled"].commit({"config.json": b"{}", "pytorch_model.bin": b"\x80\x04."})
    hub.repositories["models/org/traversal"].commit({**FILES, "../../x.json": b"{}"})
    assert words in refused({**environment, "HF_TOKEN": SECRET}, "BASE", uri)
    assert not (Path(environment["DATASWARM_CACHE"]) / "trees").exists()


def test_a_hub_that_is_not_there_may_be_there_later(environment: dict[str, str]) -> None:
    found = fetch({**environment, "HF_ENDPOINT": "http://user:pass@127.0.0.1:9"}, "BASE", "hf://org/model")
    assert found["error"] == "StoreError"
    assert "http://127.0.0.1:9 does not serve it now" in found["message"]
    assert "pass" not in found["message"]
