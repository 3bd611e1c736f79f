"""Supervised fine-tuning of one LoRA on pairs of prompt and completion.

The loss is the mean negative log-likelihood of the completion's tokens and of the end token. Prompts are conditions,
not targets. The optimizer is AdamW without weight decay. The learning rate rises linearly and then falls to 0 along a
half cosine.

All adapters of a run start from the same A (and B = 0): A depends on the run's seed and the tensor's name, never on the
data. Adapters are later added elementwise, and a sum of A matrices with different rotations is noise. `a + b` combines
both adapters only if they share coordinates. So pass `train` the seed of the RUN, not a seed for each cluster.

A plain loop replaces transformers.Trainer. It gives the same numbers without callbacks, reports, a checkpoint folder
and global seeding. It is several times faster on models of a million parameters, where the bookkeeping of the Trainer
takes longer than a step.

Limits: on a CPU the same arguments give the same bytes, for one version of torch and one number of threads. On a GPU
they need not, because the backward pass of attention adds in no fixed order.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import peft
import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from swarm_core import streams
from swarm_core.errors import BadInputError
from swarm_core.recipe import Digest
from swarm_trainer.lora import adapter, base, export, lora_layers
from swarm_trainer.lora.base import BaseModelConfig
from swarm_trainer.lora.lora_layers import LoraSize
from swarm_trainer.lora.signature import Signature, require_common

IGNORE_INDEX = -100
"""The label of tokens that the cross-entropy ignores."""
MAX_GRADIENT_NORM = 1.0
"""The gradient's norm is clipped to this usual value, so that a single unusual batch does not move B far."""

StepCallback = Callable[[int, int, float], None]
"""Called after each optimizer step with (steps done, total steps, loss of the step)."""


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """The settings of a training. The API defines the defaults, so there are none here."""

    rank: int
    alpha: float
    target_modules: tuple[str, ...]
    epochs: int
    learning_rate: float
    warmup_ratio: float
    """The share of the steps in which the learning rate rises, from 0 to 1."""
    max_length: int
    """The maximum number of tokens of prompt and completion. Longer pairs are cut at the right, and counted."""
    batch_size: int
    gradient_accumulation: int
    gradient_checkpointing: bool
    chat: bool
    """Whether a prompt is one user turn in the base model's chat template."""
    system: str | None = None
    """The system text before each prompt. It needs `chat`."""
    start: Path | None = None
    """A folder with an adapter of this rank and these modules to continue from. None starts from A and B = 0."""
    steps_per_epoch: int | None = None
    """The number of optimizer steps of an epoch, over which its pairs are spread evenly. None makes batches of
    batch_size times gradient_accumulation pairs."""


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """The result of a training."""

    digest: Digest
    """The SHA-256 of the tensor file."""
    steps: int
    """The number of optimizer steps."""
    loss: float
    """The mean loss over the steps of the last epoch."""
    truncated: int
    """The number of pairs whose completion was cut at max_length."""
    dropped: int
    """The number of pairs whose prompt alone fills max_length, so that no completion token is left."""


class TrainingStage(Protocol):
    """The port of training: data with settings, which become an adapter."""

    def train(
        self, base_model: BaseModelConfig, start: Path | None, seed: int, out: Path, progress: StepCallback
    ) -> TrainingResult:
        """Train one LoRA and write it to `out` as a PEFT folder.

        `start`: the folder of the adapter to continue from; None starts a new one. `seed` is that of the run. Raises
        BadInputError, CorruptError if `out` exists with other content.
        """
        ...


@dataclass(frozen=True, slots=True)
class InstructionTuning:
    """Supervised fine-tuning on pairs of prompt and completion."""

    pairs: Sequence[tuple[str, str]]
    settings: TrainingSettings

    def train(
        self, base_model: BaseModelConfig, start: Path | None, seed: int, out: Path, progress: StepCallback
    ) -> TrainingResult:
        """Train as the port says."""
        return train(base_model, self.pairs, replace(self.settings, start=start), seed, out, progress)


@dataclass(frozen=True, slots=True)
class TokenizedExample:
    """One pair as token IDs."""

    ids: list[int]
    """The tokens of prompt and completion."""
    labels: list[int]
    """The target tokens, as long as `ids`; IGNORE_INDEX for the prompt."""


def train(
    base_model: BaseModelConfig,
    pairs: Sequence[tuple[str, str]],
    settings: TrainingSettings,
    seed: int,
    out: Path,
    progress: StepCallback,
) -> TrainingResult:
    """Fine-tune one LoRA on `pairs` of (prompt, completion), and write it to `out` as a PEFT folder.

    Raises BadInputError if the base model cannot be read, lacks the target modules or a required chat template, if no
    pair fits max_length, or if training diverges; CorruptError if `out` exists with other content.
    """
    loaded = base.load(base_model)
    examples, truncated = tokenize(loaded.tokenizer, pairs, settings)
    if not examples:
        raise BadInputError(
            f"maxLength {settings.max_length}: no token of a completion fits in any of {len(pairs)} training pairs;"
            " raise it or use shorter seed items"
        )
    with isolate_randomness(seed):
        model, signature = add_lora(loaded, settings, seed)
        losses = _optimize(model, examples, settings, seed, progress)
    digest, last = save_adapter(out, model, signature), average_last_epoch(losses, settings.epochs)
    return TrainingResult(digest, len(losses), last, truncated, len(pairs) - len(examples))


def tokenize(
    tokenizer: PreTrainedTokenizerBase, pairs: Sequence[tuple[str, str]], settings: TrainingSettings
) -> tuple[list[TokenizedExample], int]:
    """Return the pairs with at least one completion token within max_length, and how many of them were cut.

    Raises BadInputError if the tokenizer lacks an end token or a required chat template.
    """
    prompts = base.tokenize_prompts(tokenizer, [prompt for prompt, _ in pairs], settings.chat, settings.system)
    completions = base.tokenize_completions(tokenizer, [completion for _, completion in pairs])
    examples, truncated = [], 0
    for prompt, completion in zip(prompts, completions, strict=True):
        room = settings.max_length - len(prompt)
        if room > 0:
            kept = completion[:room]
            truncated += len(kept) < len(completion)
            examples.append(TokenizedExample([*prompt, *kept], [IGNORE_INDEX] * len(prompt) + kept))
    return examples, truncated


def compute_rate_factor(step: int, steps: int, warmup_ratio: float) -> float:
    """Return the learning rate of a step, 0 to steps - 1, as a share of the highest: linear warmup, half cosine."""
    warm = math.ceil(steps * warmup_ratio)
    if step < warm:
        return (step + 1) / (warm + 1)
    return 0.5 * (1.0 + math.cos(math.pi * (step - warm) / (steps - warm)))


def save_adapter(out: Path, model: peft.PeftModel, signature: Signature) -> Digest:
    """Write the model's adapter to `out` as a PEFT folder, and return the SHA-256 of its tensor file.

    Raises BadInputError if a number is not finite, CorruptError if `out` exists with other content.
    """
    tensors = peft.get_peft_model_state_dict(model, save_embedding_layers=False)
    export.save(out, ((name, tensors[name]) for name in signature.tensors), signature)
    return export.digest(out)


def average_last_epoch(losses: Sequence[float], epochs: int) -> float:
    """Return the mean loss over the steps of the last epoch."""
    per_epoch = len(losses) // epochs
    return sum(losses[-per_epoch:]) / per_epoch


def add_lora(loaded: base.LoadedModel, settings: TrainingSettings, seed: int) -> tuple[peft.PeftModel, Signature]:
    """Return the base model with a new trainable LoRA, and the LoRA's signature.

    Raises BadInputError if the base model lacks the target modules, or if the adapter to continue from is another LoRA.
    """
    size = LoraSize(settings.rank, settings.alpha, settings.target_modules)
    model, signature = lora_layers.add(loaded.model, size)
    if settings.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    for name, weight in lora_layers.list_first_factors(model, signature):
        _initialize_a(weight, streams.derive_seed(seed, "lora_A", name))
    if settings.start is not None:
        start = adapter.read_signature(settings.start)
        require_common([("training", signature), ("the adapter to continue from", start)])
        peft.set_peft_model_state_dict(model, adapter.load(settings.start))
    return model, signature


def _initialize_a(weight: nn.Parameter, seed: int) -> None:
    """Fill A [rank, in] uniformly from +-1/sqrt(in), which is PEFT's scale.

    The numbers are drawn on the CPU, so they are the same for every device.
    """
    bound = 1.0 / math.sqrt(weight.shape[1])
    values = torch.empty(weight.shape).uniform_(-bound, bound, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        weight.copy_(values)


def _optimize(
    model: nn.Module,
    examples: Sequence[TokenizedExample],
    settings: TrainingSettings,
    seed: int,
    progress: StepCallback,
) -> list[float]:
    """Train the model in place; return the loss of each step. Raises BadInputError if a loss is not finite."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=settings.learning_rate, weight_decay=0.0)
    batches = list(_split_batches(len(examples), settings, seed))
    losses: list[float] = []
    model.train()
    for step, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * compute_rate_factor(step, len(batches), settings.warmup_ratio)
        losses.append(_accumulate(model, [examples[index] for index in batch], settings.batch_size))
        norm = nn.utils.clip_grad_norm_(trainable, MAX_GRADIENT_NORM)
        if not math.isfinite(losses[-1]) or not bool(torch.isfinite(norm)):
            raise BadInputError(
                f"learningRate {settings.learning_rate}: the loss is {losses[-1]} at step {step + 1}; lower it"
            )
        optimizer.step()
        optimizer.zero_grad()
        progress(step + 1, len(batches), losses[-1])
    return losses


def _split_batches(count: int, settings: TrainingSettings, seed: int) -> Iterator[tuple[int, ...]]:
    """Yield the indices of the examples of each optimizer step. Each epoch has every example once, in a new order."""
    for epoch in range(settings.epochs):
        order = streams.sample(seed, count, count, "order", epoch)
        yield from (order[start:end] for start, end in pairwise(_list_bounds(count, settings)))


def _list_bounds(count: int, settings: TrainingSettings) -> list[int]:
    """Return the places in an epoch where its batches start, and the number of its examples at the end."""
    steps = settings.steps_per_epoch
    if steps is not None:
        return sorted({step * count // steps for step in range(steps + 1)})
    return [*range(0, count, settings.batch_size * settings.gradient_accumulation), count]


def _accumulate(model: nn.Module, batch: Sequence[TokenizedExample], size: int) -> float:
    """Accumulate the gradient of the mean loss per target token of `batch`, `size` examples at a time; return the loss.

    The mean is over the whole batch, so the number of examples per pass does not change the gradient.
    """
    targets = sum(label != IGNORE_INDEX for example in batch for label in example.labels)
    total = 0.0
    for start in range(0, len(batch), size):
        ids, mask, labels = _pad(batch[start : start + size], next(model.parameters()).device)
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits  # [rows, length, vocabulary]
        # The logits at position t predict the token at t + 1. The cast to float32 keeps the precision of the sum when
        # the model computes in bfloat16.
        loss = nn.functional.cross_entropy(
            logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten(), ignore_index=IGNORE_INDEX, reduction="sum"
        )
        (loss / targets).backward()
        total += loss.item() / targets
    return total


def _pad(batch: Sequence[TokenizedExample], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return IDs, attention mask and labels, each [rows, longest], padded at the right with ignored tokens."""
    longest = max(len(example.ids) for example in batch)
    ids = torch.tensor([example.ids + [0] * (longest - len(example.ids)) for example in batch])
    labels = torch.tensor([example.labels + [IGNORE_INDEX] * (longest - len(example.ids)) for example in batch])
    lengths = torch.tensor([len(example.ids) for example in batch])
    mask = (torch.arange(longest) < lengths[:, None]).long()
    return ids.to(device), mask.to(device), labels.to(device)


@contextmanager
def isolate_randomness(seed: int) -> Iterator[None]:
    """During the `with` block, torch's random generators, which dropout uses, start from `seed`; then restore them."""
    with torch.random.fork_rng():
        torch.manual_seed(streams.derive_seed(seed, "training"))
        yield
