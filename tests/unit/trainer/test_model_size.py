"""The sizes that the files of a model state are those of the model that torch loads."""

import json
from pathlib import Path

import pytest
from model_families import family as families
from model_families.every_family import FAMILIES
from model_families.family import Family
from transformers import DynamicCache

from swarm_trainer.lora import base, base_layers
from swarm_trainer.lora.base import BaseModelConfig
from swarm_trainer.sources import model_size


@pytest.mark.parametrize("family", FAMILIES, ids=str)
def test_the_sizes_are_those_of_the_loaded_model(family: Family, tmp_path: Path) -> None:
    folder = families.write(family, tmp_path / "base")
    size = model_size.read(folder)
    assert size is not None
    loaded = base.load(BaseModelConfig(folder))
    assert size.parameters == loaded.model.num_parameters()
    assert size.stored_bytes == sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    (ids,) = base.tokenize_prompts(loaded.tokenizer, ["hi"], chat=False)
    cache = DynamicCache(config=loaded.model.config)
    loaded.model(input_ids=loaded.model.dummy_inputs["input_ids"][:1, :4] * 0 + ids[-1], past_key_values=cache)
    kept = sum(layer.keys.numel() + layer.values.numel() for layer in cache.layers)
    assert size.cached_numbers == kept // cache.get_seq_length()
    shapes = base_layers.read_linear_shapes(folder)
    for target in family.targets:
        wanted = sum(sum(shape) for name, shape in shapes.items() if name.endswith(f".{target}"))
        assert dict(size.widths)[target] == wanted


@pytest.mark.parametrize("content", ["", "{", "[]", '{"num_hidden_layers": "two"}'])
def test_a_configuration_without_sizes_gives_none(content: str, tmp_path: Path) -> None:
    folder = families.write(FAMILIES[0], tmp_path / "base")
    (folder / "config.json").write_text(content)
    found = model_size.read(folder)
    assert found is None or found.cached_numbers is None


def test_weights_that_are_no_safetensors_give_none(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({}))
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 64)
    assert model_size.read(tmp_path) is None
