"""Build an arithmetic arena from nothing: tokenizer, base model, takers and seed data, all from one seed.

    python examples/arithmetic/train.py --arena arithmetic

The base is a character-level Llama of 0.86 million parameters that learns two formats, both in the words of
`swarm_core.text.prompts`: lists of expressions (what generators write) and questions with answers (what takers do).
Its lists mix kinds freely, so what a generator writes is decided by its adapter and not by the examples it is shown.
Its skill falls off smoothly from small sums to large products, and that slope is what a search can climb.

Limits: one process on the CPU, float32. The same torch, machine and number of threads give the same bytes; elsewhere
the last digits of a loss differ, and with them the weights.
"""

import argparse
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tokenizers
import torch
from peft import PeftModel
from tokenizers import decoders, models
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from swarm_core.text import prompts
from swarm_core.text.prompts import PromptStyle, Wording

sys.path.append(str(Path(__file__).resolve().parents[1]))  # the module that the arenas share
from arena_training import (
    Batch,
    Schedule,
    add_adapter,
    build_model,
    collate,
    fit,
    log,
    measure_accuracy,
    save_adapter,
    stage,
)

SHOTS = 3
WORDING = Wording(PromptStyle.PLAIN, "arithmetic")
"""Items shown and items asked for: a list of six fits in 49 characters, and three are written in 24 steps."""
SPECIAL = {"pad_token": "<pad>", "eos_token": "<eos>", "unk_token": "<unk>"}
VOCABULARY = [*SPECIAL.values(), *"0123456789+-*/=?.,:() \nQAxyznm"]
"""Three special tokens and 30 characters, of which the arena itself uses 18; a few are left for other formats."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Expressions of one operator, both operands between `low` and `high`, these included."""

    operator: str
    low: int
    high: int

    def draw(self, rng: np.random.Generator, count: int) -> list[str]:
        left, right = rng.integers(self.low, self.high + 1, size=(2, count))
        return [f"{a}{self.operator}{b}" for a, b in zip(left, right, strict=True)]


SMALL, MEDIUM, LARGE = (0, 14), (10, 49), (50, 99)
BANDS = {"small": SMALL, "medium": MEDIUM, "large": LARGE}
KINDS = {f"{size} {op}": Kind(op, *BANDS[size]) for op in "+-*" for size in BANDS}


@dataclass(frozen=True, slots=True)
class Taker:
    """An adapter of the base, trained to answer some kinds; what it is not trained on, it forgets."""

    kinds: tuple[str, ...]
    steps: int


@dataclass(frozen=True, slots=True)
class Arena:
    """Everything that makes one arena differ from another."""

    seed: int
    clusters: dict[str, str]
    """Name of a seed cluster -> its kind."""


ARENAS = {
    "arithmetic": Arena(
        seed=1,
        clusters={
            "small-addition": "small +",
            "small-multiplication": "small *",
            "large-addition": "large +",
            "medium-subtraction": "medium -",
        },
    ),
    "arithmetic-2": Arena(
        seed=2,
        clusters={
            "small-addition": "small +",
            "small-multiplication": "small *",
            "large-subtraction": "large -",
            "small-subtraction": "small -",
        },
    ),
    "arithmetic-3": Arena(
        seed=3,
        clusters={
            "small-addition": "small +",
            "small-multiplication": "small *",
            "large-addition": "large +",
            "small-subtraction": "small -",
        },
    ),
}

TAKERS = {
    "adder": Taker(("small +", "medium +"), 80),
    "subtractor": Taker(("small -", "medium -"), 80),
    "multiplier": Taker(("small *",), 80),
    "beginner": Taker(("small +", "small -", "small *"), 80),
}


BASE = Schedule(steps=1200, rate=3e-3)
QUESTIONS, LISTS = 192, 24
"""Sequences of each format in one step of the base."""
ADAPTER_RATE, ADAPTER_BATCH = 1e-2, 32
"""So high a rate makes a taker forget what it does not practise: at 5e-3 they stayed nearly as able as the base."""


def build_tokenizer() -> PreTrainedTokenizerFast:
    """One token per character; encoding adds nothing, so texts may be cut and joined anywhere."""
    vocabulary = {token: number for number, token in enumerate(VOCABULARY)}
    core = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token=SPECIAL["unk_token"]))
    core.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        **SPECIAL,
        model_max_length=256,
        clean_up_tokenization_spaces=False,
    )


def solve(item: str) -> str:
    """The answer to an expression of KINDS."""
    operator = next(op for op in "+-*" if op in item)
    left, right = (int(part) for part in item.split(operator))
    return str({"+": left + right, "-": left - right, "*": left * right}[operator])


def question(item: str) -> tuple[str, str]:
    """Prompt and completion of one question."""
    return prompts.format_answering(WORDING, item), prompts.format_answer(PromptStyle.PLAIN, solve(item))


def mixed(rng: np.random.Generator, kinds: Sequence[Kind], count: int) -> list[str]:
    """`count` expressions, the kind of each drawn anew."""
    return [kinds[pick].draw(rng, 1)[0] for pick in rng.integers(len(kinds), size=count)]


def lists(rng: np.random.Generator, kinds: Sequence[Kind], count: int) -> list[tuple[str, str]]:
    """Whole lists of mixed kinds, all of it to be learnt."""
    items = mixed(rng, kinds, count * 2 * SHOTS)
    return [
        ("", prompts.format_list(PromptStyle.PLAIN, items[at : at + 2 * SHOTS]))
        for at in range(0, len(items), 2 * SHOTS)
    ]


def train_base(tokenizer: PreTrainedTokenizerFast, rng: np.random.Generator) -> LlamaForCausalLM:
    """The base model: questions and lists of every kind."""
    model = build_model(tokenizer, layers=4)
    kinds = list(KINDS.values())

    def batches() -> list[Batch]:
        answers = collate(tokenizer, [question(item) for item in mixed(rng, kinds, QUESTIONS)])
        return [answers, collate(tokenizer, lists(rng, kinds, LISTS))]

    fit(model, BASE, batches)
    return model


def train_taker(
    base: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, taker: Taker, rng: np.random.Generator
) -> PeftModel:
    """An adapter on `base` that answers the kinds of `taker`."""
    kinds = [KINDS[name] for name in taker.kinds]
    model = add_adapter(base)

    def batches() -> list[Batch]:
        return [collate(tokenizer, [question(item) for item in mixed(rng, kinds, ADAPTER_BATCH)])]

    fit(model, Schedule(taker.steps, ADAPTER_RATE), batches)
    return model


def report(name: str, model: torch.nn.Module, tokenizer: PreTrainedTokenizerFast, seed: int) -> None:
    """Print the accuracy on every kind, 300 expressions each, the same for every model of an arena."""
    rng = np.random.default_rng([seed, 99])
    asked = [[question(item) for item in kind.draw(rng, 300)] for kind in KINDS.values()]
    figures = [measure_accuracy(model, tokenizer, pairs, max_tokens=7) for pairs in asked]
    shown = ", ".join(f"{kind} {figure:.2f}" for kind, figure in zip(KINDS, figures, strict=True))
    log.info("%s answers right: %s", name, shown)


def seeds(arena: Arena, rng: np.random.Generator, each: int = 200) -> Iterator[str]:
    """Lines of the seed data: `each` distinct expressions of every cluster."""
    for cluster, kind in arena.clusters.items():
        distinct = list(dict.fromkeys(KINDS[kind].draw(rng, 20 * each)))[:each]
        for item in distinct:
            yield json.dumps({"text": item, "cluster": cluster}) + "\n"


def build_base(name: str, folder: Path) -> None:
    """Write the seed data and the base model of arena `name`."""
    arena = ARENAS[name]
    torch.manual_seed(arena.seed)
    rng = np.random.default_rng(arena.seed)
    log.info("seed %d", arena.seed)
    (folder / "seeds.jsonl").write_text("".join(seeds(arena, rng)), encoding="utf-8")
    tokenizer = build_tokenizer()
    base = train_base(tokenizer, rng)
    report("base", base, tokenizer, arena.seed)
    base.save_pretrained(folder / "base")
    tokenizer.save_pretrained(folder / "base")


def build_takers(name: str, folder: Path) -> None:
    """Write the takers of arena `name`; its base must be there."""
    arena = ARENAS[name]
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder / "base")
    report("base", LlamaForCausalLM.from_pretrained(folder / "base"), tokenizer, arena.seed)
    for number, (label, taker) in enumerate(TAKERS.items()):
        torch.manual_seed(arena.seed * 100 + number)
        log.info("%s: seed %d, %d steps on %s", label, torch.initial_seed(), taker.steps, ", ".join(taker.kinds))
        base = LlamaForCausalLM.from_pretrained(folder / "base")
        model = train_taker(base, tokenizer, taker, np.random.default_rng([arena.seed, number]))
        report(label, model, tokenizer, arena.seed)
        save_adapter(model, folder / "takers" / label)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arena", choices=ARENAS, default="arithmetic")
    parser.add_argument("--into", type=Path, help="the folder to write; the arena's own beside this script by default")
    parser.add_argument("--keep-base", action="store_true", help="build only the takers, on the base that is there")
    chosen = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    log.setLevel(logging.INFO)
    torch.set_num_threads(2)
    folder = chosen.into or Path(__file__).resolve().parent.parent / chosen.arena
    folder.mkdir(parents=True, exist_ok=True)
    if not chosen.keep_base:
        with stage("base", chosen.arena, folder / "train.log"):
            build_base(chosen.arena, folder)
    with stage("takers", chosen.arena, folder / "takers.log"):
        build_takers(chosen.arena, folder)


if __name__ == "__main__":
    main()
