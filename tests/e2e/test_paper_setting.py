"""The setting of the paper, for one iteration: its file with a small Gemma 2 and small adapters for the published ones.

They come from a small hub under the published names. The judge is a server that can add.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import hub_server
import pytest
import scripted_chat_server
import scripted_http_server
import taught_family
import yaml
from command_line import ENVIRONMENT, EXAMPLES, dataswarm
from hub_server import Hub, Repository
from model_families.gemma import GEMMA2
from scripted_chat_server import ChatServer

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
FILE = EXAMPLES / "data-swarms" / "gsm8k.yaml"
SMALL: Mapping[str, Any] = {
    "swarm": {"rule": "Published", "particles": 4, "iterations": 1, "patience": 1},
    "evaluation": {"items": 10, "finalists": 2, "final": {"items": 10, "seeds": 1}},
    "generation": {"maxTokens": 96, "temperature": 1.0, "shots": 5},
    "answering": {"maxTokens": 8, "temperature": 1.0},
    "execution": {"local": {"inference": "Local", "device": "cpu", "threads": 1}},
}
"""What is smaller than in the file."""


def read_folder(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def hub(make_adapter: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with a base and adapters under the published names, and an environment that uses it."""
    base = taught_family.teach(GEMMA2, tmp_path / "gemma", "math reasoning")
    spec = yaml.safe_load(FILE.read_text())["spec"]
    published = [*spec["generators"]["adapters"], *(taker["adapter"] for taker in spec["takers"])]
    folders = {
        uri: make_adapter(base, seed, targets=("q_proj", "v_proj"), size=0.05) for seed, uri in enumerate(published)
    }
    folders[spec["base"]["model"]] = base
    with hub_server.run_hub() as hub:
        for uri, folder in folders.items():
            name = uri.removeprefix("hf://").removesuffix("@main")
            hub.repositories[f"models/{name}"] = Repository()
            hub.repositories[f"models/{name}"].commit(read_folder(folder))
        places = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": tmp_path / "hf", "DATASWARM_CACHE": tmp_path / "cache"}
        for name, value in {**places, "HF_HUB_OFFLINE": "0"}.items():
            monkeypatch.setitem(ENVIRONMENT, name, str(value))
        yield hub


def write_small(folder: Path, judge: str) -> Path:
    """Write the file with less to do, data on this machine and a judge that is there."""
    document = yaml.safe_load(FILE.read_text())
    spec = document["spec"]
    spec |= SMALL
    del spec["storage"]
    spec["base"] |= {"dtype": "float32", "maxModelLen": 768}
    drawn = random.Random(3)
    items = [{"input": taught_family.write_sum(drawn), "output": "0"} for _ in range(80)]
    (folder / "data.json").write_text(json.dumps({"name": "sums", "dev": items, "test": []}))
    spec["generators"]["data"]["uri"] = "data.json"
    spec["judge"]["model"]["endpoint"] |= {"url": judge, "model": scripted_chat_server.MODEL}
    (folder / "run.yaml").write_text(yaml.safe_dump(document))
    return folder / "run.yaml"


def test_the_papers_setting_runs_from_the_hub_to_a_result(hub: Hub, tmp_path: Path) -> None:
    with scripted_http_server.run_server(ChatServer()) as site:
        done = dataswarm("run", write_small(tmp_path, site.url), "--folder", tmp_path / "run", seconds=800)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["usage"]["requests"] > 0
    assert all(hub.about(name.removeprefix("models/")) for name in hub.repositories)
    assert dataswarm("verify", tmp_path / "run").returncode == 0
