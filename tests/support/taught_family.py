"""A family's small model that has learned to write lists of sums and to answer one: a stand-in for a large model."""

import random
from pathlib import Path

import torch
from model_families import family as families
from model_families.family import Family
from torch import nn

from swarm_core.text import prompts
from swarm_core.text.prompts import PromptStyle, Wording
from swarm_trainer.lora import base
from swarm_trainer.lora.base import BaseModelConfig

SHOTS = 5
STEPS, ROWS, RATE = 100, 6, 4e-3
IGNORED = -100


def write_sum(drawn: random.Random) -> str:
    """A question that a program can answer."""
    return f"What is {drawn.randint(1, 9)} + {drawn.randint(1, 99)}?"


def draw_pair(wording: Wording, drawn: random.Random, answers: bool) -> tuple[str, str]:
    """A prompt and its completion: a sum and a number, or a list of sums and another one."""
    if answers:
        return prompts.format_answering(wording, write_sum(drawn)), str(drawn.randint(2, 108))
    given, wanted = ([write_sum(drawn) for _ in range(SHOTS)] for _ in range(2))
    return prompts.format_training_pair(wording, given, wanted)


def teach(family: Family, folder: Path, domain: str) -> Path:
    """Write the family's model, and train all its weights to write lists of sums, and numbers as answers."""
    families.write(family, folder)
    loaded, drawn = base.load(BaseModelConfig(folder)), random.Random(0)
    model, wording = loaded.model.train(), Wording(PromptStyle.CHAT, domain)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / 20) * (1 - step / STEPS)
        ids, labels = draw_batch(loaded, wording, drawn)
        logits = model(input_ids=ids, attention_mask=(labels != -1).long()).logits
        targets = labels.clamp(min=IGNORED)[:, 1:].masked_fill(labels[:, 1:] == -1, IGNORED)
        nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), targets.flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    with base.silence_transformers():
        model.save_pretrained(folder, max_shard_size=family.shard)
    return folder


def draw_batch(loaded: base.LoadedModel, wording: Wording, drawn: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
    """Token IDs and labels, each [rows, longest]: IGNORED in prompts, and -1 in the padding at the right."""
    rows = []
    for number in range(ROWS):
        prompt, completion = draw_pair(wording, drawn, answers=number % 3 == 0)
        (asked,) = base.tokenize_prompts(loaded.tokenizer, [prompt], chat=True)
        (wanted,) = base.tokenize_completions(loaded.tokenizer, [completion])
        rows.append((asked + wanted, [IGNORED] * len(asked) + wanted))
    longest = max(len(ids) for ids, _ in rows)
    return (
        torch.tensor([ids + [0] * (longest - len(ids)) for ids, _ in rows]),
        torch.tensor([labels + [-1] * (longest - len(labels)) for _, labels in rows]),
    )
