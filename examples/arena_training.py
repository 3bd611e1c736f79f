"""What the scripts that build arenas share: batches, a training loop, adapters, and a log.

Limits: one process on the CPU, float32. The same torch, machine and number of threads give the same bytes; elsewhere
the last digits of a loss differ, and with them the weights.
"""

import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

log = logging.getLogger("arena")

IGNORED = -100
"""The label that the cross-entropy of torch leaves out."""
LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class Schedule:
    """AdamW with a linear warm-up of a twentieth of the steps and a cosine decay to a tenth of the rate."""

    steps: int
    rate: float

    def factor(self, step: int) -> float:
        warm = max(1, self.steps // 20)
        decay = 0.55 + 0.45 * math.cos(math.pi * step / self.steps)
        return min((step + 1) / warm, decay)


@dataclass(frozen=True, slots=True)
class Batch:
    """Right-padded token ids and labels, both [sequence, position]."""

    ids: torch.Tensor
    labels: torch.Tensor


def build_model(tokenizer: PreTrainedTokenizerFast, layers: int) -> LlamaForCausalLM:
    """A small Llama with random weights, from the random numbers of torch."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    return LlamaForCausalLM(config)


def collate(tokenizer: PreTrainedTokenizerFast, pairs: Sequence[tuple[str, str]]) -> Batch:
    """Prompts and completions as one batch: labels on the completion and the end token alone."""
    given = tokenizer([prompt for prompt, _ in pairs]).input_ids
    wanted = tokenizer([completion for _, completion in pairs]).input_ids
    width = max(len(a) + len(b) + 1 for a, b in zip(given, wanted, strict=True))
    ids = torch.full((len(pairs), width), tokenizer.pad_token_id)
    labels = torch.full((len(pairs), width), IGNORED)
    for row, (a, b) in enumerate(zip(given, wanted, strict=True)):
        ids[row, : len(a) + len(b) + 1] = torch.tensor([*a, *b, tokenizer.eos_token_id])
        labels[row, len(a) : len(a) + len(b) + 1] = torch.tensor([*b, tokenizer.eos_token_id])
    return Batch(ids, labels)


def compute_loss(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """The mean loss over the labels of a batch."""
    return model(input_ids=batch.ids, labels=batch.labels).loss


def fit(
    model: torch.nn.Module,
    schedule: Schedule,
    batches: Callable[[], Sequence[Batch]],
    loss: Callable[[torch.nn.Module, Batch], torch.Tensor] = compute_loss,
) -> None:
    """Minimise the sum of the batches' losses."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=schedule.rate, weight_decay=0.01, betas=(0.9, 0.98))
    decay = torch.optim.lr_scheduler.LambdaLR(optimiser, schedule.factor)
    model.train()
    for step in range(schedule.steps):
        losses = [loss(model, batch) for batch in batches()]
        optimiser.zero_grad()
        sum(losses).backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        decay.step()
        if step % 100 == 0 or step == schedule.steps - 1:
            log.info("  step %4d  loss %s", step, " ".join(f"{one.item():.3f}" for one in losses))
    model.eval()


@torch.inference_mode()
def measure_accuracy(
    model: torch.nn.Module, tokenizer: PreTrainedTokenizerFast, pairs: Sequence[tuple[str, str]], max_tokens: int
) -> float:
    """The share of `pairs`, each a prompt and its answer, that greedy decoding answers exactly."""
    asked, wanted = zip(*pairs, strict=True)
    batch = tokenizer(list(asked), return_tensors="pt", padding=True, padding_side="left")
    out = model.generate(**batch, max_new_tokens=max_tokens, do_sample=False)
    texts = tokenizer.batch_decode(out[:, batch.input_ids.shape[1] :], skip_special_tokens=True)
    return float(np.mean([text == right for text, right in zip(texts, wanted, strict=True)]))


def add_adapter(base: LlamaForCausalLM) -> PeftModel:
    """`base` with a new adapter of rank 8 on all linear layers."""
    return get_peft_model(base, LoraConfig(r=8, lora_alpha=16, target_modules=list(LINEAR), task_type="CAUSAL_LM"))


@contextmanager
def stage(name: str, arena: str, log_file: Path) -> Iterator[None]:
    """Log to `log_file` as well, from the seed to the seconds."""
    handler = logging.FileHandler(log_file, mode="w", encoding="utf-8")
    log.addHandler(handler)
    start = time.monotonic()
    log.info("%s of %s: %d threads, torch %s", name, arena, torch.get_num_threads(), torch.__version__)
    yield
    log.info("%s: %.0f s", name, time.monotonic() - start)
    log.removeHandler(handler)


def save_adapter(model: PeftModel, folder: Path) -> None:
    """An ordinary PEFT folder: its two files, without the empty model card, and its target modules in a fixed order."""
    model.save_pretrained(folder)
    (folder / "README.md").unlink()
    written = folder / "adapter_config.json"
    config = json.loads(written.read_text(encoding="utf-8"))
    config["target_modules"] = list(LINEAR)
    config["base_model_name_or_path"] = "base"  # not where it lay on this machine
    written.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
