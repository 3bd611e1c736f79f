"""Which tensors are a layer's, and that a position per layer becomes an adapter per layer."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from swarm_core.errors import BadInputError
from swarm_core.recipe import Digest, Recipe, TensorGroup
from swarm_trainer.lora import adapter, combine
from swarm_trainer.lora.signature import Signature
from swarm_trainer.runtime import layers

BASE, BASIS = Digest("b" * 64), (Digest("1" * 64), Digest("2" * 64))


def adapted(*modules: str) -> Signature:
    return Signature(4, 8.0, ("q_proj",), tuple(sorted((module, (8, 8)) for module in modules)))


def test_layers_are_in_the_order_of_their_numbers_and_one_is_no_beginning_of_ten() -> None:
    found = layers.find(adapted(*(f"model.layers.{number}.self_attn.q_proj" for number in range(12))))
    assert found.prefixes == tuple(f"base_model.model.model.layers.{number}." for number in range(12))
    assert not found.rest
    assert [prefix for prefix in found.prefixes if "base_model.model.model.layers.10.x".startswith(prefix)] == [
        "base_model.model.model.layers.10."
    ]


def test_several_modules_of_one_layer_are_one_layer_and_experts_make_none() -> None:
    found = layers.find(
        adapted("model.layers.3.mlp.experts.0.up", "model.layers.3.mlp.experts.1.up", "model.layers.3.attn.q")
    )
    assert found.prefixes == ("base_model.model.model.layers.3.",)


def test_two_stacks_have_layers_of_their_own() -> None:
    found = layers.find(adapted("encoder.block.0.q", "decoder.block.0.q", "decoder.block.1.q"))
    assert [prefix.removeprefix("base_model.model.") for prefix in found.prefixes] == [
        "decoder.block.0.",
        "decoder.block.1.",
        "encoder.block.0.",
    ]


def test_what_is_in_no_layer_has_the_mean_of_the_layers() -> None:
    found = layers.find(adapted("model.layers.0.q_proj", "model.layers.1.q_proj", "lm_head"))
    assert found.rest
    assert found.groups((1.0, 0.0, 0.0, 1.0)) == (
        TensorGroup((1.0, 0.0), ("base_model.model.model.layers.0.",)),
        TensorGroup((0.0, 1.0), ("base_model.model.model.layers.1.",)),
        TensorGroup((0.5, 0.5)),
    )


def test_without_numbered_layers_coefficients_per_layer_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"spec\.swarm\.groups.*lm_head.*set groups to Global"):
        layers.find(adapted("lm_head"))


def test_a_base_with_numbered_layers_passes_before_there_are_adapters(tiny_base: Path) -> None:
    layers.check(tiny_base)


def test_each_layer_of_an_adapter_is_summed_with_its_own_coefficients(
    tiny_base: Path, make_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    folders = [make_adapter(tiny_base, seed) for seed in (1, 2)]
    found = layers.find(adapter.read_signature(folders[0]))
    assert len(found.prefixes) == 2
    combine.write(Recipe(BASE, BASIS, found.groups((2.0, -1.0, 0.25, 0.75))), folders, tmp_path / "out")
    one, two = (load_file(folder / adapter.WEIGHTS_FILE) for folder in folders)
    for name, tensor in load_file(tmp_path / "out" / adapter.WEIGHTS_FILE).items():
        first, second = (2.0, -1.0) if ".layers.0." in name else (0.25, 0.75)
        assert torch.equal(tensor, one[name] * first + two[name] * second)
