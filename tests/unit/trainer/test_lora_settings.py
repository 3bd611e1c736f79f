"""Every setting of peft's LoraConfig is reproduced to the logit, or refused by its name."""

import copy
import dataclasses
import functools
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from swarm_core.errors import BadInputError
from swarm_core.recipe import Digest, build_mixture
from swarm_trainer.inference.batched_lora import BatchedLora
from swarm_trainer.lora import adapter, adapter_config, base, combine
from swarm_trainer.lora.base import BaseModelConfig

IDS = torch.tensor([[1, 10, 11, 12, 13, 9]])
NAME = Digest("1" * 64)
PLAIN: Mapping[str, Any] = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM"}

REPRODUCED: Mapping[str, tuple[Any, ...]] = {
    "r": (1, 7),
    "lora_alpha": (3, 64),
    "use_rslora": (True,),
    "init_lora_weights": (False, "gaussian", "orthogonal", "mica"),
    "target_modules": (["down_proj"], ["self_attn.k_proj"], r".*layers\.1\..*(up|gate)_proj", "all-linear"),
    "exclude_modules": (["layers.0.self_attn.q_proj"], r".*\.1\..*v_proj"),
    "layers_to_transform": ([1], 0),
    "layers_pattern": ("layers",),
    "rank_pattern": ({"q_proj": 4},),
    "alpha_pattern": ({"q_proj": 8},),
    "lora_dropout": (0.3,),
    "fan_in_fan_out": (True,),
    "task_type": ("FEATURE_EXTRACTION",),
    "revision": ("main",),
    "base_model_name_or_path": ("elsewhere",),
    "inference_mode": (True,),
}
"""Values with which an adapter is made by peft and compared with it. `layers_pattern` comes with a layer."""
STORED: Mapping[str, tuple[Any, ...]] = {
    "init_lora_weights": ("eva",),
    "auto_mapping": ({"base_model_class": "X"},),
    "peft_version": ("0.99",),
    "megatron_core": ("megatron.core",),
    "qalora_group_size": (8,),
    "loftq_config": ({"loftq_bits": 4},),
    "eva_config": ({"rho": 2.0},),
    "corda_config": ({"corda_method": "ipm"},),
    "lora_ga_config": ({"direction": "ArB2r"},),
    "runtime_config": ({"ephemeral_gpu_offload": True},),
}
"""Values that say how an adapter was trained, and nothing about its tensors."""
REFUSED: Mapping[str, tuple[Any, ...]] = {
    "peft_type": ("IA3",),
    "bias": ("all", "lora_only"),
    "init_lora_weights": ("pissa", "pissa_niter_4", "olora", "OLoRA", "corda", "loftq", "lora_ga", "something new", 3),
    "rank_pattern": ({"q_proj": 2},),
    "alpha_pattern": ({"q_proj": 2},),
    "use_dora": (True,),
    "modules_to_save": (["lm_head"],),
    "lora_bias": (True,),
    "trainable_token_indices": ([1],),
    "target_parameters": (["experts.gate_up_proj"],),
    "layer_replication": ([[0, 1], [0, 2]],),
    "alora_invocation_tokens": ([5],),
    "megatron_config": ({"hidden": 1},),
    "use_bdlora": ({"nblocks": 2},),
    "kasa_config": ({"beta": 1.0},),
    "arrow_config": ({"top_k": 2},),
    "use_qalora": (True,),
    "velora_config": ({"num_groups": 2},),
    "monteclora_config": ({"samples": 2},),
    "ensure_weight_tying": (True,),
    "r": (0, -1, True, "4", None),
    "lora_alpha": (0, None, "8", True),
    "target_modules": (None, [], [3]),
    "a_setting_of_tomorrow": (True, 3, "x", {"a": 1}, [0], 0.5),
}


@functools.cache
def load_base(folder: Path) -> torch.nn.Module:
    """The base as this project reads it. Read once, and not to be changed."""
    return base.load(BaseModelConfig(folder)).model


@functools.cache
def load_for_peft(folder: Path) -> torch.nn.Module:
    return AutoModelForCausalLM.from_pretrained(folder)


def copy_model(folder: Path) -> torch.nn.Module:
    """The base as peft reads it."""
    return copy.deepcopy(load_for_peft(folder))


def write_adapter(folder: Path, out: Path, settings: Mapping[str, Any]) -> torch.Tensor:
    """Write an adapter with peft, as if trained. Return peft's own logits of IDS."""
    with base.silence_transformers(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(1)
        model = peft.get_peft_model(copy_model(folder), peft.LoraConfig(**settings)).eval()
        train(model)
        model.save_pretrained(out)
        with torch.inference_mode():
            return model(IDS).logits


def train(model: torch.nn.Module) -> None:
    """Change the factors, as training does."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_A" in name or "lora_B" in name:
                weight.add_(0.2 * torch.randn(weight.shape))


def compute_logits(folder: Path, out: Path) -> torch.Tensor:
    """The logits of IDS with the adapter as this project serves it."""
    adapter.check_base(out, folder)
    model = copy.deepcopy(load_base(folder))
    batched = BatchedLora(model)
    recipe = build_mixture(Digest("b" * 64), (NAME,), (1.0,))
    tensors = dict(combine.combine_tensors(recipe, [out]))
    batched.add(recipe.name, combine.compute_signature(recipe, [out]), tensors)
    with torch.inference_mode(), batched.apply_adapters([recipe.name]):
        return model(IDS).logits


def list_values(table: Mapping[str, tuple[Any, ...]]) -> list[Any]:
    return [pytest.param(name, value, id=f"{name}={value}") for name, values in table.items() for value in values]


def test_every_setting_of_the_installed_peft_is_decided() -> None:
    """A newer peft fails here until somebody has decided what its new settings mean."""
    settings = {field.name for field in dataclasses.fields(peft.LoraConfig)}
    decided = adapter_config.READ | adapter_config.IGNORED | adapter_config.REFUSED.keys()
    assert settings == decided
    tried = REPRODUCED.keys() | STORED.keys() | REFUSED.keys()
    assert settings <= tried


@pytest.mark.parametrize(("name", "value"), list_values(REPRODUCED))
def test_an_accepted_adapter_gives_the_logits_of_peft(tiny_base: Path, tmp_path: Path, name: str, value: Any) -> None:
    more = {"layers_to_transform": [1]} if name == "layers_pattern" else {}
    wanted = write_adapter(tiny_base, tmp_path / "out", {**PLAIN, **more, name: value})
    found = compute_logits(tiny_base, tmp_path / "out")
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    bare = load_base(tiny_base)(IDS).logits
    assert not torch.allclose(wanted, bare, atol=0.01)


@pytest.fixture
def plain(tiny_base: Path, make_adapter: Callable[..., Path]) -> Path:
    return make_adapter(tiny_base)


def change_setting(plain: Path, tmp_path: Path, name: str, value: Any) -> Path:
    config = json.loads((plain / adapter.CONFIG_FILE).read_text())
    path = tmp_path / adapter.CONFIG_FILE
    path.write_text(json.dumps({**config, name: value}))
    return path


@pytest.mark.parametrize(("name", "value"), list_values(STORED))
def test_a_setting_of_training_changes_nothing(plain: Path, tmp_path: Path, name: str, value: Any) -> None:
    found = adapter_config.read(change_setting(plain, tmp_path, name, value))
    known = adapter_config.read(plain / adapter.CONFIG_FILE)
    assert (found.rank, found.alpha, found.targets) == (known.rank, known.alpha, known.targets)


@pytest.mark.parametrize(("name", "value"), list_values(REFUSED))
def test_what_cannot_be_reproduced_is_refused_by_name(plain: Path, tmp_path: Path, name: str, value: Any) -> None:
    with pytest.raises(BadInputError, match=rf"{name} is .*;"):
        adapter_config.read(change_setting(plain, tmp_path, name, value))


@pytest.mark.parametrize("value", [None, False, [], {}, ""])
def test_an_unknown_setting_without_a_value_is_none(plain: Path, tmp_path: Path, value: Any) -> None:
    adapter_config.read(change_setting(plain, tmp_path, "a_setting_of_tomorrow", value))


@pytest.mark.parametrize(("start", "stabilized"), [("pissa", False), ("olora", True)])
def test_what_peft_converts_to_a_plain_lora_is_served_as_it_was_trained(
    tiny_base: Path, tmp_path: Path, start: str, stabilized: bool
) -> None:
    config = peft.LoraConfig(**{**PLAIN, "init_lora_weights": start, "use_rslora": stabilized})
    with base.silence_transformers(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft warns of what it is told to convert
        model = peft.get_peft_model(copy_model(tiny_base), config).eval()
        config.init_lora_weights = True  # or peft would begin again where it loads this
        model.save_pretrained(tmp_path / "start")
        config.init_lora_weights = start
        train(model)
        with torch.inference_mode():
            wanted = model(IDS).logits
        model.save_pretrained(tmp_path / "raw")
        model.save_pretrained(tmp_path / "plain", path_initial_model_for_weight_conversion=str(tmp_path / "start"))
    torch.testing.assert_close(compute_logits(tiny_base, tmp_path / "plain"), wanted, rtol=1e-3, atol=1e-3)
    with pytest.raises(BadInputError, match="path_initial_model_for_weight_conversion"):
        adapter.read_signature(tmp_path / "raw")


@pytest.mark.parametrize("changes", [{"layers_to_transform": [1]}, {"target_modules": ["self_attn.q_proj"]}])
def test_an_adapter_of_some_layers_that_lost_one_does_not_fit(
    tiny_base: Path, tmp_path: Path, changes: Mapping[str, Any]
) -> None:
    write_adapter(tiny_base, tmp_path / "out", {**PLAIN, **changes})
    tensors = load_file(tmp_path / "out" / adapter.WEIGHTS_FILE)
    save_file({name: value for name, value in tensors.items() if "layers.1.self_attn.q_proj" not in name},
              tmp_path / "out" / adapter.WEIGHTS_FILE)  # fmt: skip
    with pytest.raises(BadInputError, match=r"no tensors for model\.layers\.1\.self_attn\.q_proj"):
        adapter.check_base(tmp_path / "out", tiny_base)
