"""Build the arena of word problems from nothing: tokenizer, base model and takers, all from one seed.

    python examples/stories/train.py

The base is a word-level Llama of 1.1 million parameters that learns two formats, both in the words of
`swarm_core.text.prompts`: lists of word problems (what generators write) and questions with answers (what takers do).
Its lists mix kinds freely, so the adapter of a generator decides what it writes, and the examples in a prompt do not.
Its skill falls off smoothly from one step with small numbers to three steps with large ones and containers.

Limits: those of `arena_training`.
"""

import argparse
import logging
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tokenizers
import torch
from items import ALL_KINDS, SEED, Kind, draw, draw_mixed, write_data
from peft import PeftModel
from tokenizers import Regex, decoders, models, pre_tokenizers
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from swarm_core.judges.word_problem_story import Story, format_story
from swarm_core.judges.word_problem_words import PRONOUNS, TOPICS
from swarm_core.text import prompts
from swarm_core.text.prompts import PromptStyle, Wording

sys.path.append(str(Path(__file__).resolve().parents[1]))  # the module that the arenas share
from arena_training import (
    IGNORED,
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

SPECIAL = {"pad_token": "<pad>", "eos_token": "<eos>", "unk_token": "<unk>"}
FUNCTION_WORDS = ("has", "have", "with", "each", "How", "many", "does", "He", "She")
SPARE_WORDS = ("good", "bad", "so", "then", "is")
"""Words for other formats, such as reviews of answers. The base never sees them."""
PIECE = Regex(r" ?[A-Za-z]+| ?[0-9]|[^ ]| ")
"""A token: a word or a digit with the space before it, or a sign. Numbers have one token per digit."""


@dataclass(frozen=True, slots=True)
class Taker:
    """An adapter of the base, trained to answer some kinds; what it is not trained on, it forgets."""

    kinds: tuple[Kind, ...]
    steps: int


TAKERS = {
    "adder": Taker((Kind(1, "+", 99), Kind(2, "+", 50)), 80),
    "subtractor": Taker((Kind(1, "-", 99), Kind(2, "-", 50)), 80),
    "multiplier": Taker((Kind(1, "+", 20, grouped=1.0), Kind(2, "+-", 20, grouped=1.0)), 80),
    "beginner": Taker((Kind(1, "+-", 20), Kind(2, "+-", 9)), 80),
}
BASE = Schedule(steps=2000, rate=2e-3)
WORDING = Wording(PromptStyle.PLAIN, "word problems")
QUESTIONS, LISTS, LENGTH = 16, 3, 4
"""Questions of each number of steps and lists in one step of the base, and the problems in a list."""
ADAPTER_RATE, ADAPTER_BATCH = 1e-2, 32
"""So high a rate makes a taker forget what it does not practise."""


def list_vocabulary() -> list[str]:
    """Every token: special ones, signs, digits with and without a space before them, and words after a space."""
    of_topics = [word for one in TOPICS for word in (*one.things, *one.containers, *one.gains, *one.losses)]
    words = dict.fromkeys((*PRONOUNS, *FUNCTION_WORDS, *of_topics, *SPARE_WORDS))
    digits = [space + digit for space in (" ", "") for digit in "0123456789"]
    return [*SPECIAL.values(), *"\n-:.?,+*=;QAR", *digits, *(f" {word}" for word in words)]


def build_tokenizer() -> PreTrainedTokenizerFast:
    """One token per word, digit and sign; encoding adds nothing, so texts may be cut before a space and joined."""
    vocabulary = {token: number for number, token in enumerate(list_vocabulary())}
    core = tokenizers.Tokenizer(models.WordLevel(vocab=vocabulary, unk_token=SPECIAL["unk_token"]))
    core.pre_tokenizer = pre_tokenizers.Split(PIECE, "isolated")
    core.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        **SPECIAL,
        model_max_length=256,
        clean_up_tokenization_spaces=False,
    )


def question(story: Story) -> tuple[str, str]:
    """Prompt and completion of one question."""
    asked = prompts.format_answering(WORDING, format_story(story))
    return asked, prompts.format_answer(PromptStyle.PLAIN, str(story.answer))


def write_list(rng: np.random.Generator) -> tuple[str, str]:
    """A whole list of mixed kinds, all of it to be learnt."""
    return "", prompts.format_list(PromptStyle.PLAIN, [format_story(draw_mixed(rng, ALL_KINDS)) for _ in range(LENGTH)])


def compute_losses(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    """The mean loss over the labels, which are answers or lists, plus that over the questions before them."""
    logits, wanted, labels = model(input_ids=batch.ids).logits[:, :-1], batch.ids[:, 1:], batch.labels[:, 1:]
    losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), wanted, reduction="none")
    labeled = labels != IGNORED
    before = ~labeled & (labeled.flip(1).cumsum(1).flip(1) > 0)
    return losses[labeled].mean() + (losses[before].mean() if before.any() else 0.0)


def train_base(tokenizer: PreTrainedTokenizerFast, rng: np.random.Generator) -> LlamaForCausalLM:
    """The base model: questions and lists of every kind."""
    model = build_model(tokenizer, layers=5)
    log.info("%d parameters", model.num_parameters())

    by_steps = [[kind for kind in ALL_KINDS if kind.steps == steps] for steps in (1, 2, 3)]

    def batches() -> list[Batch]:
        asked = [[question(draw_mixed(rng, kinds)) for _ in range(QUESTIONS)] for kinds in by_steps]
        return [collate(tokenizer, pairs) for pairs in (*asked, [write_list(rng) for _ in range(LISTS)])]

    fit(model, BASE, batches, compute_losses)
    return model


def train_taker(
    base: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, taker: Taker, rng: np.random.Generator
) -> PeftModel:
    """An adapter on `base` that answers the kinds of `taker`."""
    model = add_adapter(base)

    def batches() -> list[Batch]:
        return [collate(tokenizer, [question(draw_mixed(rng, taker.kinds)) for _ in range(ADAPTER_BATCH)])]

    fit(model, Schedule(taker.steps, ADAPTER_RATE), batches)
    return model


REPORTED = {
    f"{steps} {signs}{' *' * bool(grouped)} to {limit}": Kind(steps, signs, limit, grouped)
    for steps, signs, grouped in (
        (1, "+", 0.0), (1, "-", 0.0), (1, "+", 1.0), (2, "+-", 0.0), (2, "+-", 1.0), (3, "+-", 0.0), (3, "+-", 1.0)
    )
    for limit in (9, 50, 99)
}  # fmt: skip


def report(name: str, model: torch.nn.Module, tokenizer: PreTrainedTokenizerFast) -> None:
    """Log the accuracy on kinds of all sizes, 200 problems each, the same for every model."""
    rng = np.random.default_rng([SEED, 99])
    asked = [[question(draw(rng, kind)) for _ in range(200)] for kind in REPORTED.values()]
    figures = [measure_accuracy(model, tokenizer, pairs, max_tokens=6) for pairs in asked]
    shown = ", ".join(f"{kind} {figure:.2f}" for kind, figure in zip(REPORTED, figures, strict=True))
    log.info("%s answers right: %s", name, shown)


def build_base(folder: Path) -> None:
    """Write the data and the base model."""
    torch.manual_seed(SEED)
    write_data(folder)
    tokenizer = build_tokenizer()
    base = train_base(tokenizer, np.random.default_rng([SEED, 0]))
    report("base", base, tokenizer)
    base.save_pretrained(folder / "base")
    tokenizer.save_pretrained(folder / "base")


def build_takers(folder: Path) -> None:
    """Write the takers; the base must be there."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder / "base")
    for number, (label, taker) in enumerate(TAKERS.items(), 1):
        torch.manual_seed(SEED * 100 + number)
        log.info("%s: %d steps", label, taker.steps)
        base = LlamaForCausalLM.from_pretrained(folder / "base")
        model = train_taker(base, tokenizer, taker, np.random.default_rng([SEED, number]))
        report(label, model, tokenizer)
        save_adapter(model, folder / "takers" / label)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=Path, default=Path(__file__).resolve().parent, help="the folder to write")
    parser.add_argument("--keep-base", action="store_true", help="build only the takers, on the base that is there")
    chosen = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    log.setLevel(logging.INFO)
    torch.set_num_threads(1)
    chosen.into.mkdir(parents=True, exist_ok=True)
    if not chosen.keep_base:
        with stage("base", "stories", chosen.into / "train.log"):
            build_base(chosen.into)
    with stage("takers", "stories", chosen.into / "takers.log"):
        build_takers(chosen.into)


if __name__ == "__main__":
    main()
