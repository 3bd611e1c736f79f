"""Reads what a sequence classifier is off its files, without its weights: its labels, its length, its chat template."""

from dataclasses import dataclass
from pathlib import Path

from transformers import AutoModelForSequenceClassification, PreTrainedConfig

from swarm_core.errors import BadInputError
from swarm_trainer.lora import base

TASK = "ForSequenceClassification"


@dataclass(frozen=True, slots=True)
class ClassifierTraits:
    """What a classifier is."""

    labels: tuple[str, ...]
    multi_label: bool | None
    """Whether it gives several labels at a time; None if its configuration does not say."""
    most_tokens: int
    """The most tokens that it can read."""
    has_chat_template: bool


def inspect(folder: Path) -> ClassifierTraits:
    """Return what the classifier in `folder` is. Raises BadInputError if it is none, or lacks some of its weights."""
    with base.translate_read_errors(folder, "classifier"):
        config = base.read_config(folder)
        names = [str(name) for name in config.architectures or ()]
        if names and not any(name.endswith(TASK) for name in names):
            raise BadInputError(
                f"classifier {folder}: it is a {names[0]}; give a model whose architecture ends in {TASK}"
            )
        base.read_model(folder, AutoModelForSequenceClassification, "classifier", device_map="meta")
        tokenizer = base.read_tokenizer(folder)
    labels = read_labels(folder, config)
    problem = getattr(config, "problem_type", None)
    limits = [limit for limit in (base.read_max_length(config), tokenizer.model_max_length) if limit is not None]
    return ClassifierTraits(
        labels=labels,
        multi_label=None if problem is None else problem == "multi_label_classification",
        most_tokens=int(min(limits)),
        has_chat_template=bool(tokenizer.chat_template),
    )


def read_labels(folder: Path, config: PreTrainedConfig) -> tuple[str, ...]:
    """Return the name of each output. Raises BadInputError if one has none, or if two have the same."""
    names = [config.id2label.get(index) for index in range(config.num_labels)]
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise BadInputError(
            f"classifier {folder}: id2label of its config.json is {config.id2label}; give each output from 0 to"
            f" {len(names) - 1} a name of its own"
        )
    return tuple(map(str, names))
