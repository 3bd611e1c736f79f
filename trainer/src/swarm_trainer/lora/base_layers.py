"""The layers of a base model that adapters may have: the linear ones of its text model, by name.

They are found in the modules that transformers builds from the configuration, without any weights.

Limits: the experts of a mixture cannot be adapted, nor modules that read images or sound.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import nn
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from swarm_core.errors import BadInputError
from swarm_trainer.lora import base

LEFT_OUT = re.compile(
    r"(^|\.)(vision|visual|audio|image|multi_?modal|embed_(vision|audio)|mm_|vq)"  # modules for images and sound
    r"|(^|\.)experts\.\d+\."  # a layer of an expert sees tokens of several rows, in no fixed order
    r"|(^|\.)\d+$",  # a name that is a number could be that of another module too
    re.IGNORECASE,
)
"""The names of linear layers that no adapter may have."""


def read_linear_shapes(folder: Path) -> dict[str, tuple[int, int]]:
    """Return (out, in) of each linear layer of the text model by module name, as PEFT names them.

    Reads the configuration, no weights. Raises BadInputError if transformers cannot read the configuration.
    """
    with base.translate_read_errors(folder, "base"):
        return {name: read_shape(module) for name, module in list_linear_layers(build_empty_model(folder)).items()}


def has_conv1d(folder: Path) -> bool:
    """Whether the base has layers that are Conv1D, as GPT-2 has. Raises BadInputError as `read_linear_shapes` does."""
    with base.translate_read_errors(folder, "base"):
        return any(isinstance(layer, Conv1D) for layer in list_linear_layers(build_empty_model(folder)).values())


def build_empty_model(folder: Path) -> PreTrainedModel:
    """Build the model of a configuration without weights, on the meta device."""
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(base.read_config(folder), trust_remote_code=False)


def list_linear_layers(model: nn.Module) -> dict[str, nn.Linear | Conv1D]:
    """Return the layers that an adapter may have, by module name: all but LEFT_OUT."""
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | Conv1D) and not LEFT_OUT.search(name)
    }


def read_shape(layer: nn.Linear | Conv1D) -> tuple[int, int]:
    """Return (out, in). A Conv1D, which GPT-2 has, stores its weight as [in, out]."""
    inputs, outputs = layer.weight.shape if isinstance(layer, Conv1D) else layer.weight.shape[::-1]
    return int(outputs), int(inputs)


def select_layers(layers: Iterable[str], names: Iterable[str]) -> list[str]:
    """Return the layers whose last component is one of `names`. Raises BadInputError for a name that none has."""
    known = {layer: layer.rpartition(".")[2] for layer in layers}
    missing = sorted(set(names) - set(known.values()))
    if missing:
        raise BadInputError(
            f"targetModules {', '.join(missing)}: the base model has no linear layers of this name; it has"
            f" {', '.join(sorted(set(known.values()))) or 'none'}"
        )
    return [layer for layer, name in known.items() if name in set(names)]
