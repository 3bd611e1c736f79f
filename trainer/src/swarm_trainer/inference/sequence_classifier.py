"""A classifier that is a sequence classifier of Hugging Face transformers.

Its labels have the names of its configuration (`id2label`), and their values are its raw outputs. Texts are read whole:
one with more tokens than the classifier may read is a RequestFailure. Control tokens that a text spells are text. A
batch holds inputs of one length, so nothing is padded, and what stands beside a text changes its values by no more than
the order of sums does.

Limits: only local safetensors files are read, and code that comes with a model is never executed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, PreTrainedModel, PreTrainedTokenizerBase
from transformers.tokenization_utils_base import LARGE_INTEGER

from swarm_core.errors import BadInputError
from swarm_core.objectives.scores import UnscoredReason
from swarm_core.ports import Completion, Reply, Request, RequestFailure
from swarm_trainer.lora import base, chat_template, control_tokens

BATCH = 16
"""The most texts that are labeled at one time."""


@dataclass(frozen=True, slots=True)
class Input:
    """The tokens of one request."""

    place: int
    """The place of the request in the call."""
    ids: tuple[int, ...]
    types: tuple[int, ...]
    """For each token, whether it belongs to the second text (1) or not (0)."""


@dataclass(frozen=True, slots=True)
class SequenceClassifier:
    """A sequence classifier in memory."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    max_tokens: int
    """The most tokens that it reads."""

    def label(self, requests: Sequence[Request]) -> list[Reply]:
        """Return the raw outputs for each request, in order; a RequestFailure for one that is too long."""
        inputs = [self.encode(place, request) for place, request in enumerate(requests)]
        found: dict[int, Reply] = {
            one.place: self.refuse_length(len(one.ids)) for one in inputs if len(one.ids) > self.max_tokens
        }
        fitting = sorted((one for one in inputs if one.place not in found), key=lambda one: len(one.ids))
        for _, group in groupby(fitting, key=lambda one: len(one.ids)):
            same = list(group)
            for start in range(0, len(same), BATCH):
                found.update(self.label_batch(same[start : start + BATCH]))
        return [found[place] for place in range(len(requests))]

    def refuse_length(self, length: int) -> RequestFailure:
        """Return the failure of a request with `length` tokens."""
        return RequestFailure(
            f"{length} tokens, and the classifier reads at most {self.max_tokens}; raise maxTokens of the classifier if"
            " it can read more",
            UnscoredReason.REFUSED,
        )

    def encode(self, place: int, request: Request) -> Input:
        """Return the tokens of a request."""
        if request.chat:
            turns = [{"role": "user", "content": request.prompt}]
            if request.answer is not None:
                turns.append({"role": "assistant", "content": request.answer})
            (ids,) = chat_template.tokenize(self.tokenizer, [turns])
            return Input(place, tuple(ids), (0,) * len(ids))
        texts = [request.prompt] if request.answer is None else [request.prompt, request.answer]
        return surround(self.tokenizer, place, control_tokens.encode_texts(self.tokenizer, texts))

    def label_batch(self, batch: Sequence[Input]) -> dict[int, Reply]:
        """Return the outputs for inputs of one length, by their places."""
        ids = torch.tensor([one.ids for one in batch], device=self.device)
        options: dict[str, Any] = {"attention_mask": torch.ones_like(ids)}
        if "token_type_ids" in self.tokenizer.model_input_names:
            options["token_type_ids"] = torch.tensor([one.types for one in batch], device=self.device)
        rows = self.split(ids, options)
        names = [self.model.config.id2label[index] for index in range(self.model.config.num_labels)]
        return {
            one.place: Completion("", 0, finished=True, labels=tuple(zip(names, row, strict=True)))
            for one, row in zip(batch, rows, strict=True)
        }

    def split(self, ids: torch.Tensor, options: dict[str, Any]) -> list[list[float]]:
        """Return the outputs of the model, [input][label]. A decoder without a padding token reads one at a time."""
        several = getattr(self.model.config.get_text_config(), "pad_token_id", None) is not None
        parts = [slice(None)] if several else [slice(row, row + 1) for row in range(len(ids))]
        with torch.inference_mode():
            found = [
                self.model(input_ids=ids[part], **{name: value[part] for name, value in options.items()}).logits
                for part in parts
            ]
        rows: list[list[float]] = torch.cat(found).float().cpu().tolist()
        return rows


def load(folder: Path, dtype: str, device: str, max_tokens: int | None) -> SequenceClassifier:
    """Load a classifier, in evaluation mode. `max_tokens`: the most tokens to read; None for as many as it can.

    Raises BadInputError if the folder has no whole sequence classifier.
    """
    with base.translate_read_errors(folder, "classifier"):
        model = base.read_model(folder, AutoModelForSequenceClassification, "classifier", dtype=base.parse_dtype(dtype))
        tokenizer = base.read_tokenizer(folder)
    limits = (max_tokens, base.read_max_length(model.config), tokenizer.model_max_length)
    tokenizer.model_max_length = LARGE_INTEGER  # otherwise it warns of each text that is too long
    place = base.resolve_device(device)
    return SequenceClassifier(
        model.to(place).eval(), tokenizer, place, min(int(limit) for limit in limits if limit is not None)
    )


def surround(tokenizer: PreTrainedTokenizerBase, place: int, texts: Sequence[Sequence[int]]) -> Input:
    """Return the tokens of one or two texts, with those that the tokenizer adds around and between them."""
    samples = ["a"] * len(texts)
    whole = tokenizer(*samples, add_special_tokens=True, return_token_type_ids=True)
    sample = list(tokenizer("a", add_special_tokens=False)["input_ids"])
    ids, types = list[int](), list[int]()
    at, waiting = 0, list(texts)
    while at < len(whole["input_ids"]):
        kind = whole["token_type_ids"][at]
        if waiting and whole["input_ids"][at : at + len(sample)] == sample:
            mine = waiting.pop(0)
            at += len(sample)
        else:
            mine = [whole["input_ids"][at]]
            at += 1
        ids += mine
        types += [kind] * len(mine)
    if waiting:
        raise BadInputError("the tokenizer changes a text that stands beside another one; give another classifier")
    return Input(place, tuple(ids), tuple(types))
