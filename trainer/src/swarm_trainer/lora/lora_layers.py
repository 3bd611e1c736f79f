"""Adds new LoRA factors to a model, through peft: to exactly the layers with the requested names, and nowhere else.

It works on a model without weights too, so what peft cannot adapt is found before a model is loaded.
"""

import warnings
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import peft
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from swarm_core.errors import BadInputError
from swarm_trainer.lora import base_layers
from swarm_trainer.lora.signature import Signature, tensor_name


@dataclass(frozen=True, slots=True)
class LoraSize:
    """The settings that determine the tensors of a LoRA."""

    rank: int
    alpha: float
    target_modules: tuple[str, ...]
    """The last components of the names of the layers to adapt."""


def add(model: PreTrainedModel, size: LoraSize) -> tuple[peft.PeftModel, Signature]:
    """Return the model with trainable factors, and their signature.

    Raises BadInputError if the model lacks a target module, if the module shares its weights with the input embeddings,
    or if peft does not adapt it.
    """
    layers = base_layers.list_linear_layers(model)
    chosen = base_layers.select_layers(layers, size.target_modules)
    _check_untied(model, [layers[name] for name in chosen])
    config = peft.LoraConfig(
        r=size.rank,
        lora_alpha=size.alpha,
        target_modules=chosen,
        lora_dropout=0.0,
        bias="none",
        task_type="CAUSAL_LM",
        fan_in_fan_out=any(isinstance(layers[name], Conv1D) for name in chosen),
    )
    shapes = tuple(sorted((name, base_layers.read_shape(layers[name])) for name in chosen))
    names = size.target_modules if _count_named(model, size.target_modules) == len(chosen) else chosen
    signature = Signature(size.rank, float(size.alpha), tuple(sorted(names)), shapes)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a Conv1D beside a linear layer, which peft stores in the same way
            adapted = peft.get_peft_model(model, config)
    except ValueError as error:
        raise BadInputError(
            f"targetModules {', '.join(signature.target_modules)}: {' '.join(str(error).split())[:200]}; name other"
            " linear layers of the base model"
        ) from error
    _check_trainable(adapted, signature)
    return adapted, signature


def list_first_factors(model: nn.Module, signature: Signature) -> Iterator[tuple[str, nn.Parameter]]:
    """Yield the name of each adapted layer, and its A [rank, in]."""
    parameters = dict(model.named_parameters())
    for name, _ in signature.shapes:
        yield name, parameters[_name_parameter(tensor_name(name, "A"))]


def _check_untied(model: PreTrainedModel, chosen: Collection[nn.Module]) -> None:
    """Raises BadInputError if an adapter of the output layer could not be merged without changing the embeddings."""
    output = model.get_output_embeddings()
    if getattr(model.config.get_text_config(), "tie_word_embeddings", False) and any(one is output for one in chosen):
        name = next(name for name, module in model.named_modules() if module is output)
        raise BadInputError(
            f"targetModules {name}: it shares its weights with the input embeddings of the base model, so a merge of"
            " the adapter would change both; leave it out"
        )


def _count_named(model: nn.Module, names: Collection[str]) -> int:
    """Return the number of modules, of any kind, whose last component is one of `names`."""
    return sum(name.rpartition(".")[2] in names for name, _ in model.named_modules())


def _check_trainable(model: nn.Module, signature: Signature) -> None:
    """Raises BadInputError unless exactly the tensors of `signature` are trained: peft may adapt fused experts too."""
    expected = {_name_parameter(name) for name in signature.tensors}
    found = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    if found != expected:
        raise BadInputError(
            f"targetModules {', '.join(signature.target_modules)}: peft adapts other parameters than linear layers"
            f" ({_name_one(found ^ expected)}), which cannot be summed; leave out the layers of experts"
        )


def _name_parameter(tensor: str) -> str:
    """Return the name in a model of a tensor in a file: peft leaves out the name of the adapter there."""
    return f"{tensor.removesuffix('.weight')}.default.weight"


def _name_one(names: Iterable[str]) -> str:
    return min(names).removeprefix("base_model.model.")
