"""What a run's engines could not serve is refused while the run is being prepared, by the field that says it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import swarmrun_documents as documents
import yaml

from swarm_core.api import loading, resolution
from swarm_core.errors import BadInputError
from swarm_trainer.runtime import engines
from swarm_trainer.runtime.context import Context
from swarm_trainer.steps import prepare
from swarm_trainer.stores.local import LocalStore

Make = Callable[..., Path]
TOO_HIGH = 513
SERVED: documents.Patch = {"spec.execution": {"local": {"inference": "VLLM"}}}


@pytest.fixture
def context(tiny_base: Path, make_adapter: Make, tmp_path: Path) -> Callable[..., Context]:
    """A run over the tiny base whose taker, or whose second generator, is an adapter of too high a rank."""
    plain, steep = make_adapter(tiny_base), make_adapter(tiny_base, rank=TOO_HIGH)

    def make(*patches: documents.Patch, taker: bool) -> Context:
        takers = [{"name": "one", "adapter": str(steep if taker else plain)}]
        document: Any = documents.patched({"spec.base.model": str(tiny_base), "spec.takers": takers})
        adapters = [str(plain), str(plain)] if taker else [str(steep), str(steep)]
        for patch in ({"spec.generators.adapters": adapters}, *patches):
            document = documents.patched(patch, document)
        resolved = resolution.resolve_run(loading.parse(yaml.safe_dump(document), "test"))
        return Context(resolved, LocalStore(tmp_path / "store"), tmp_path, tmp_path, lambda _: None)

    return make


@pytest.mark.parametrize("taker", [True, False], ids=["taker", "generator"])
def test_a_rank_that_vllm_does_not_serve_is_refused(context: Callable[..., Context], taker: bool) -> None:
    field = r"spec\.takers\[0\]\.adapter" if taker else r"spec\.generators\.adapters\[0\]"
    with pytest.raises(BadInputError, match=rf"^{field}: rank {TOO_HIGH}: vLLM serves .* 512 at most.*write .*Local$"):
        prepare.check_adapters(context(SERVED, taker=taker))


@pytest.mark.parametrize("taker", [True, False], ids=["taker", "generator"])
def test_the_local_engine_serves_any_rank(context: Callable[..., Context], taker: bool) -> None:
    prepare.check_adapters(context(taker=taker))


def test_vllm_asked_for_where_it_is_not_installed_is_refused(
    context: Callable[..., Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines.vllm_server, "is_installed", lambda: False)
    with pytest.raises(BadInputError, match=r"spec.execution.local.inference: VLLM, but .*`make vllm`.* write Local"):
        engines.check(context(SERVED, taker=False))


@pytest.mark.parametrize("name", ["model.fp16.safetensors", "consolidated.safetensors", "model.safetensors.index.json"])
def test_weights_that_only_vllm_would_read_are_refused(
    context: Callable[..., Context], tiny_base: Path, tmp_path: Path, name: str
) -> None:
    folder = Path(shutil.copytree(tiny_base, tmp_path / "copy"))
    engines.check_base(context(SERVED, taker=False), folder)
    (folder / name).write_bytes(b"{}")
    engines.check_base(context(taker=False), folder)
    with pytest.raises(BadInputError, match=rf"vLLM would also read {name}, which is not part .*; move it out"):
        engines.check_base(context(SERVED, taker=False), folder)
