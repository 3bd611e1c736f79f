"""The configuration of a PEFT LoRA: which settings this project reproduces, and which it refuses by name.

Every setting of `peft.LoraConfig` is in one of three tables. `READ` settings are part of the result. `IGNORED` settings
acted on the training alone. `REFUSED` settings change the adapter in a way that a sum of `scale B A` does not have. A
setting in no table comes from another version of peft: it is refused unless it has no value.

Rank-stabilized adapters (arXiv 2312.03732) are plain ones with another alpha: alpha / sqrt(r) = (alpha sqrt(r)) / r.

Limits: one rank and one alpha for all layers. Adapters that start from a part of the base's own weights, such as PiSSA,
are refused, because what they learned is the difference to that start. peft writes that difference as a plain LoRA if
it is given the start.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swarm_core.errors import BadInputError

CONFIG_FILE = "adapter_config.json"
MAX_ALPHA = 1_000_000
"""Far above every alpha in use, and far below what a sum in float32 can hold."""

READ = frozenset({
    "peft_type", "r", "lora_alpha", "use_rslora", "init_lora_weights", "target_modules", "exclude_modules",
    "layers_to_transform", "layers_pattern", "bias", "rank_pattern", "alpha_pattern",
})  # fmt: skip
IGNORED = frozenset({
    "task_type", "auto_mapping", "peft_version", "base_model_name_or_path", "revision", "inference_mode",
    "lora_dropout",  # acts during training alone
    "fan_in_fan_out",  # how the base stores a weight; A and B are stored in one way
    "megatron_core", "qalora_group_size",  # act only with megatron_config and use_qalora
    "loftq_config", "eva_config", "corda_config", "lora_ga_config",  # act only with their init_lora_weights
    "runtime_config",  # where factors are kept while they are trained
})  # fmt: skip
REFUSED: Mapping[str, str] = {
    "use_dora": "DoRA rescales columns, so it cannot be summed or served; train with use_dora: false",
    "modules_to_save": "whole layers cannot be part of a sum of adapters; train with modules_to_save: null",
    "lora_bias": "biases are not served; train with lora_bias: false",
    "trainable_token_indices": "embeddings cannot be part of a sum of adapters; train without it",
    "target_parameters": "bare parameters are not supported; target linear layers",
    "layer_replication": "it changes the layers of the base model; train without it",
    "alora_invocation_tokens": "an adapter must act on every token; train without it",
    "megatron_config": "Megatron's parallel layers are not supported; train on the layers of transformers",
    "use_bdlora": "block-diagonal factors are not supported; train without it",
    "kasa_config": "KaSA changes the weights of the base; train without it",
    "arrow_config": "routing is not a sum; train without it",
    "use_qalora": "pooled inputs are not supported; train without it",
    "velora_config": "VeLoRA keeps a tensor beside A and B; train without it",
    "monteclora_config": "MonteCLoRA samples the factors; train without it",
    "ensure_weight_tying": "an adapter of tied weights acts at two places; train with ensure_weight_tying: false",
}
"""The settings that are refused, each with the reason and the way out."""

PLAIN_STARTS = frozenset({True, False, "gaussian", "eva", "orthogonal", "mica"})
"""The values of init_lora_weights that leave the base's weights as they are."""
PATTERNS = {"rank_pattern": ("r", "rank"), "alpha_pattern": ("lora_alpha", "alpha")}


@dataclass(frozen=True, slots=True)
class AdapterConfig:
    """The settings of an adapter that are part of its result."""

    rank: int
    alpha: float
    """The factor of B A is alpha / rank."""
    targets: tuple[str, ...] | str
    """Names of modules, or a regular expression for whole names."""
    fields: Mapping[str, Any]
    """All settings, as they are stored."""
    path: Path
    """The file with the settings, for messages."""

    @property
    def selects_by_name(self) -> bool:
        """Whether it adapts every module with one of the names in `targets`."""
        chosen = ("exclude_modules", "layers_to_transform")
        named = not isinstance(self.targets, str) and not any("." in target for target in self.targets)
        return named and not any(self.fields.get(setting) not in (None, []) for setting in chosen)

    def selects(self, module: str) -> bool:
        """Whether it adapts this linear module, as peft decides it. Raises BadInputError if peft cannot decide it."""
        if self.selects_by_name:
            return module.rpartition(".")[2] in self.targets
        import peft  # noqa: PLC0415 (takes seconds, and few adapters need it)
        from peft.tuners.tuners_utils import check_target_module_exists  # noqa: PLC0415

        chosen = ("target_modules", "exclude_modules", "layers_to_transform", "layers_pattern")
        settings = {setting: self.fields.get(setting) for setting in chosen}
        try:
            return bool(check_target_module_exists(peft.LoraConfig(**settings), module))
        except (re.error, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
            raise BadInputError(
                f"{self.path}: {', '.join(chosen)} choose no modules ({' '.join(str(error).split())[:120]}); correct"
                " them, or name the modules in target_modules"
            ) from error


def read(path: Path) -> AdapterConfig:
    """Read adapter_config.json. Raises BadInputError for a setting that cannot be reproduced, by its name."""
    fields = _read_fields(path)
    check_settings(path, fields)
    rank, alpha = _read_scale(path, fields)
    return AdapterConfig(rank, alpha, _read_targets(path, fields.get("target_modules")), fields, path)


def check_settings(path: Path, fields: Mapping[str, Any]) -> None:
    """Check that every setting is one that this project reproduces. Raises BadInputError, which names the first."""
    for setting, value in sorted(fields.items()):
        if setting in REFUSED and value:
            raise BadInputError(f"{path}: {setting} is {value!r}: {REFUSED[setting]}")
        if setting not in READ | IGNORED | REFUSED.keys() and value not in (None, False, [], {}, ""):
            raise BadInputError(
                f"{path}: {setting} is {value!r}: this setting is unknown here, so the adapter could be used wrong;"
                " save the adapter with an older version of peft, or without this setting"
            )
    if fields.get("bias", "none") != "none":
        raise BadInputError(f"{path}: bias is {fields['bias']!r}: biases are not served; train with bias: none")
    _check_patterns(path, fields)
    _check_start(path, fields.get("init_lora_weights", True))


def _read_scale(path: Path, fields: Mapping[str, Any]) -> tuple[int, float]:
    """Return the rank, and the alpha that a plain LoRA with the same factor has. Raises BadInputError."""
    rank, alpha, stabilized = fields.get("r"), fields.get("lora_alpha"), fields.get("use_rslora")
    # True is an int for Python.
    numbers = type(rank) is int and type(alpha) in (int, float)
    if not numbers or rank is None or alpha is None or not rank >= 1 or not 0 < alpha <= MAX_ALPHA:
        raise BadInputError(
            f"{path}: r is {str(rank)[:20]!r} and lora_alpha is {str(alpha)[:20]!r}, but r must be a positive whole"
            f" number, and lora_alpha a positive number of at most {MAX_ALPHA:,}; export the adapter again"
        )
    if stabilized not in (None, True, False):
        raise BadInputError(
            f"{path}: use_rslora is {stabilized!r}, which is neither true nor false; correct it, because it changes the"
            " factor of the adapter"
        )
    return rank, float(alpha) * (math.sqrt(rank) if stabilized else 1.0)


def _read_targets(path: Path, targets: object) -> tuple[str, ...] | str:
    if isinstance(targets, list) and targets and all(isinstance(target, str) for target in targets):
        return tuple(targets)
    if isinstance(targets, str) and targets:
        return targets
    raise BadInputError(
        f"{path}: target_modules is {targets!r}; name the modules in a list, as save_pretrained of peft does"
    )


def _check_patterns(path: Path, fields: Mapping[str, Any]) -> None:
    """Raises BadInputError if some layers have another rank or alpha than the others."""
    for setting, (common, what) in PATTERNS.items():
        pattern = fields.get(setting) or {}
        if not isinstance(pattern, Mapping) or any(value != fields.get(common) for value in pattern.values()):
            raise BadInputError(
                f"{path}: {setting} is {pattern!r}: all layers must have the same {what} to be summed; train with"
                f" {setting}: {{}}"
            )


def _check_start(path: Path, start: object) -> None:
    """Raises BadInputError if training began at a part of the base's own weights."""
    known = start.lower() if isinstance(start, str) else start
    if not isinstance(known, bool | str) or known not in PLAIN_STARTS:
        raise BadInputError(
            f"{path}: init_lora_weights is {start!r}: such an adapter belongs to a base whose weights its"
            " initialization changed, and to no other; save it as a plain LoRA with peft's"
            " save_pretrained(..., path_initial_model_for_weight_conversion=FOLDER_OF_THE_UNTRAINED_ADAPTER), or train"
            " with init_lora_weights: true"
        )


def _build_unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of `pairs`. Raises ValueError if a setting has two values, because one would be lost."""
    fields = dict(pairs)
    twice = [name for name, value in pairs if fields[name] != value]
    if twice:
        raise ValueError(f"{twice[0]} has two values")
    return fields


def _read_fields(path: Path) -> Mapping[str, Any]:
    """Return the settings in the file. Raises BadInputError unless it is JSON of a LoRA."""
    try:
        config = json.loads(path.read_bytes(), object_pairs_hook=_build_unambiguous)
    except FileNotFoundError as error:
        raise BadInputError(
            f"{path}: missing; give a PEFT folder with {CONFIG_FILE} and adapter_model.safetensors"
        ) from error
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"{path}: not JSON ({error}); export the adapter again") from error
    if not isinstance(config, Mapping) or config.get("peft_type") != "LORA":
        kind = config.get("peft_type") if isinstance(config, Mapping) else config
        raise BadInputError(f"{path}: peft_type is {kind!r}, but only LORA adapters can be combined; train a LoRA")
    return config
