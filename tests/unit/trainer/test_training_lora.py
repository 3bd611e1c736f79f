"""Fine-tuning: what is learned from, that it learns, and that it does so the same way twice."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_training import SETTINGS, quietly

from swarm_core.errors import BadInputError
from swarm_core.items import Item, build_items, get_texts
from swarm_core.recipe import digest_bytes
from swarm_core.text import item_formats, item_parser
from swarm_core.text.item_formats import ItemFormat
from swarm_core.text.prompts import PromptStyle, Wording
from swarm_trainer.data.pairs import build_self_instruct_pairs
from swarm_trainer.lora import adapter, base, signature, training
from swarm_trainer.lora.base import BaseModelConfig
from swarm_trainer.lora.training import IGNORE_INDEX

PAIRS = [(f"- {n}+1\n", f"- {n}+2\n") for n in range(32)]


def train(
    folder: Path, out: Path, seed: int = 5, pairs: list[tuple[str, str]] = PAIRS, **changes: object
) -> training.TrainingResult:
    return training.train(BaseModelConfig(folder), pairs, dataclasses.replace(SETTINGS, **changes), seed, out, quietly)


def test_the_loss_falls_and_the_adapter_fits_its_base(tiny_base: Path, tmp_path: Path) -> None:
    heard: list[tuple[int, int, float]] = []
    settings = dataclasses.replace(SETTINGS, epochs=6)
    result = training.train(
        BaseModelConfig(tiny_base), PAIRS, settings, 5, tmp_path / "out", lambda *report: heard.append(report)
    )
    assert [step for step, _, _ in heard] == list(range(1, 25))
    assert {steps for _, steps, _ in heard} == {24}
    assert result.loss < 0.7 * heard[0][2]
    assert result.digest == digest_bytes((tmp_path / "out" / adapter.WEIGHTS_FILE).read_bytes())
    found = adapter.read_signature(tmp_path / "out")
    assert (found.rank, found.alpha, found.target_modules) == (4, 8.0, ("q_proj", "up_proj", "v_proj"))
    signature.check_base(tiny_base, found)


def test_two_runs_give_the_same_bytes_and_leave_torchs_randomness_alone(tiny_base: Path, tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    one, two = (train(tiny_base, tmp_path / name) for name in ("one", "two"))
    assert one == two
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(3)
    assert train(tiny_base, tmp_path / "three") == one


def test_training_that_goes_on_begins_at_the_adapter_it_is_given(tiny_base: Path, tmp_path: Path) -> None:
    train(tiny_base, tmp_path / "first")
    train(tiny_base, tmp_path / "on", start=tmp_path / "first", learning_rate=1e-9)
    train(tiny_base, tmp_path / "anew", learning_rate=1e-9)
    first, on, anew = (adapter.load(tmp_path / name) for name in ("first", "on", "anew"))
    for name in first:
        torch.testing.assert_close(on[name], first[name], rtol=0, atol=1e-6)
    assert any(not torch.allclose(anew[name], first[name], atol=1e-3) for name in first)


def test_checkpointing_and_accumulation_change_memory_and_not_what_is_learned(tiny_base: Path, tmp_path: Path) -> None:
    train(tiny_base, tmp_path / "one")
    train(tiny_base, tmp_path / "two", gradient_checkpointing=True, batch_size=2, gradient_accumulation=4)
    one, two = adapter.load(tmp_path / "one"), adapter.load(tmp_path / "two")
    for name in one:
        torch.testing.assert_close(one[name], two[name], rtol=1e-2, atol=1e-3)


def test_every_cluster_starts_from_the_same_a(tiny_base: Path, tmp_path: Path) -> None:
    other = [(f"- {n}*2\n", f"- {n}*3\n") for n in range(16)]
    train(tiny_base, tmp_path / "one", learning_rate=1e-12)
    train(tiny_base, tmp_path / "two", learning_rate=1e-12, pairs=other)
    train(tiny_base, tmp_path / "seed", learning_rate=1e-12, seed=6)
    one, two, seed = (load_file(tmp_path / name / adapter.WEIGHTS_FILE) for name in ("one", "two", "seed"))
    for name in (name for name in one if "lora_A" in name):
        torch.testing.assert_close(one[name], two[name], rtol=0, atol=1e-8)
        assert not torch.allclose(one[name], seed[name], atol=1e-3)
        assert one[name].abs().max() <= 1 / math.sqrt(one[name].shape[1])


def test_only_the_completion_and_the_end_are_targets(tiny_base: Path) -> None:
    tokenizer = base.load(BaseModelConfig(tiny_base)).tokenizer
    (example,), truncated = training.tokenize(tokenizer, [("ab", "cd")], SETTINGS)
    bos, eos, (a, b, c, d) = (
        tokenizer.bos_token_id,
        tokenizer.eos_token_id,
        tokenizer.convert_tokens_to_ids(list("abcd")),
    )
    assert example.ids == [bos, a, b, c, d, eos]
    assert example.labels == [IGNORE_INDEX] * 3 + [c, d, eos]
    assert truncated == 0


def test_a_chat_prompt_goes_through_the_template_with_one_beginning_token(tiny_base: Path) -> None:
    tokenizer = base.load(BaseModelConfig(tiny_base)).tokenizer
    chat = dataclasses.replace(SETTINGS, chat=True)
    (example,), _ = training.tokenize(tokenizer, [("hi", " yes")], chat)
    assert tokenizer.decode(example.ids) == "<bos>user: hi\na: yes<eos>"


def test_what_is_too_long_is_cut_at_the_right_and_counted(tiny_base: Path, tmp_path: Path) -> None:
    pairs = [("ab", "cd"), ("ab", "cdefgh"), ("abcdefgh", "x")]
    tokenizer = base.load(BaseModelConfig(tiny_base)).tokenizer
    examples, truncated = training.tokenize(tokenizer, pairs, dataclasses.replace(SETTINGS, max_length=6))
    assert [len(example.ids) for example in examples] == [6, 6]
    assert truncated == 1
    result = train(tiny_base, tmp_path / "out", pairs=pairs, max_length=6)
    assert (result.truncated, result.dropped) == (1, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"max_length": 3}, "maxLength 3: no token of a completion fits in any of 32", id="no pair fits"),
        pytest.param({"target_modules": ("nowhere",)}, "targetModules nowhere", id="no such layer"),
        pytest.param({"learning_rate": float("inf")}, "learningRate inf|NaN or infinity", id="divergence"),
    ],
)
def test_what_cannot_be_trained_is_refused(
    tiny_base: Path, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        train(tiny_base, tmp_path / "out", **changes)
    assert not (tmp_path / "out").exists()


def test_chat_needs_a_template(make_base: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no chat template"):
        train(make_base(chat=False), tmp_path / "out", chat=True)


@pytest.mark.parametrize("spoil", ["absent", "empty"])
def test_a_folder_without_a_model_is_refused(tmp_path: Path, spoil: str) -> None:
    folder = tmp_path / spoil
    if spoil == "empty":
        folder.mkdir()
    with pytest.raises(BadInputError, match=f"base {folder}"):
        base.load(BaseModelConfig(folder))


def test_the_rate_rises_then_falls_along_a_half_cosine() -> None:
    rates = [training.compute_rate_factor(step, 100, 0.1) for step in range(100)]
    assert rates[:11] == sorted(rates[:11])
    assert rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[55] == pytest.approx(0.5)
    assert 0 < rates[-1] < 0.01
    assert training.compute_rate_factor(0, 1, 1.0) > 0


ITEMS = build_items(f"{n}+{n}" for n in range(12))


def test_pairs_show_some_items_and_ask_for_others() -> None:
    pairs = build_self_instruct_pairs(ITEMS, 50, 3, Wording(PromptStyle.PLAIN, "sums"), 7)
    assert len(pairs) == 50
    for prompt, completion in pairs:
        lines = (prompt + completion).splitlines()
        assert len(set(lines)) == 6
        assert len(prompt.splitlines()) == 3
        assert {line.removeprefix("- ") for line in lines} <= set(get_texts(ITEMS))


def test_pairs_show_the_answers_in_the_form_in_which_they_are_read_back() -> None:
    items = [Item(text, f"={text}", (f"={text}", "0")) for text in get_texts(ITEMS)]
    for item_format in (ItemFormat.QUESTIONS_AND_ANSWERS, ItemFormat.MULTIPLE_CHOICE):
        wording = Wording(PromptStyle.CHAT, "sums", format=item_format)
        for asked, written in build_self_instruct_pairs(items, 5, 3, wording, 7):
            read = [item_formats.read_entry(item_format, entry) for entry in item_parser.parse(written, 3).items]
            assert len({one.text for one in read if isinstance(one, Item)}) == 3
            assert all(isinstance(one, Item) and one.reference == f"={one.text}" for one in read)
            assert asked.count("Answer: ") == 3


def test_pairs_are_a_function_of_the_seed_and_grow_without_changing() -> None:
    assert (
        build_self_instruct_pairs(ITEMS, 5, 3, Wording(PromptStyle.CHAT, "sums"), 7)
        == build_self_instruct_pairs(ITEMS, 9, 3, Wording(PromptStyle.CHAT, "sums"), 7)[:5]
    )
    assert build_self_instruct_pairs(ITEMS, 5, 3, Wording(PromptStyle.CHAT, "sums"), 8) != build_self_instruct_pairs(
        ITEMS, 5, 3, Wording(PromptStyle.CHAT, "sums"), 7
    )


def test_too_few_items_for_a_pair_are_refused_with_the_number_needed() -> None:
    with pytest.raises(BadInputError, match=r"12 seed items.*needs 14"):
        build_self_instruct_pairs(ITEMS, 5, 7, Wording(PromptStyle.PLAIN, "sums"), 7)
