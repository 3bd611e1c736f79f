"""Preference training: the loss is that of the formula, the adapter learns, and it does so the same way twice."""

import dataclasses
import math
import os
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import peft
import pytest
import torch
from tiny_training import SETTINGS as TRAINING
from tiny_training import quietly

from swarm_core.errors import BadInputError
from swarm_core.recipe import digest_bytes
from swarm_trainer.lora import adapter, base, preference, preference_pairs, signature, training
from swarm_trainer.lora.base import BaseModelConfig
from swarm_trainer.lora.preference_pairs import PreferencePair, PreferenceSettings
from swarm_trainer.lora.training import TrainingResult

SETTINGS = PreferenceSettings(TRAINING, beta=0.5, likelihood=0.0, margin=0.0)
PAIRS = [PreferencePair(f"- {n}+1\n", f"- {n}*2\n", f"- {n}+2\n", gap=0.5) for n in range(16)]
HELD_OUT = [PreferencePair(f"- {n}+1\n", f"- {n}*2\n", f"- {n}+2\n") for n in range(30, 38)]


def train(
    folder: Path,
    out: Path,
    pairs: Sequence[PreferencePair] = PAIRS,
    settings: PreferenceSettings = SETTINGS,
    report: Callable[[int, int, float], None] = quietly,
    **changes: object,
) -> TrainingResult:
    changed = dataclasses.replace(settings, training=dataclasses.replace(settings.training, **changes))
    return preference.train(BaseModelConfig(folder), pairs, changed, 5, out, report)


def first_loss(folder: Path, out: Path, pairs: Sequence[PreferencePair], settings: PreferenceSettings) -> float:
    """The loss of one step over all pairs, before anything is learned."""
    return train(folder, out, pairs, settings, epochs=1, batch_size=len(pairs), learning_rate=1e-9).loss


def log_likelihoods(folder: Path, lora: Path | None, texts: Sequence[tuple[str, str]]) -> list[float]:
    """The log-probability of each completion with its end token, from the logits of the model itself."""
    loaded = base.load(BaseModelConfig(folder))
    model = loaded.model if lora is None else peft.PeftModel.from_pretrained(loaded.model, str(lora))
    sums = []
    for prompt, completion in texts:
        (before,) = base.tokenize_prompts(loaded.tokenizer, [prompt], chat=False)
        (after,) = base.tokenize_completions(loaded.tokenizer, [completion])
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([[*before, *after]])).logits[0].float()
        steps = torch.log_softmax(logits[len(before) - 1 : -1], dim=-1)
        sums.append(float(steps[range(len(after)), after].sum()))
    return sums


def margins(folder: Path, lora: Path | None, pairs: Sequence[PreferencePair]) -> list[float]:
    """By how much the chosen text of each pair is likelier than the rejected one, in nats."""
    chosen = log_likelihoods(folder, lora, [(pair.prompt, pair.chosen) for pair in pairs])
    rejected = log_likelihoods(folder, lora, [(pair.prompt, pair.rejected) for pair in pairs])
    return [better - worse for better, worse in zip(chosen, rejected, strict=True)]


def minus_log_sigmoid(value: float) -> float:
    return math.log1p(math.exp(-value))


def test_before_the_first_step_the_loss_is_the_logarithm_of_two(tiny_base: Path, tmp_path: Path) -> None:
    assert first_loss(tiny_base, tmp_path / "out", PAIRS, SETTINGS) == pytest.approx(math.log(2), abs=1e-6)


def test_the_loss_is_that_of_equation_7(tiny_base: Path, tmp_path: Path) -> None:
    """The loss of the second step is that of the adapter after the first one, and the start is the reference."""
    losses: list[float] = []
    pair = PAIRS[:1]
    train(tiny_base, tmp_path / "start", PAIRS)
    start = dataclasses.replace(SETTINGS, training=dataclasses.replace(TRAINING, start=tmp_path / "start"))
    heard = lambda _step, _steps, loss: losses.append(loss)  # noqa: E731
    train(tiny_base, tmp_path / "two", pair, start, heard, epochs=2, warmup_ratio=1.0, learning_rate=3e-2)
    # Both first steps have a rate of 0.01: a third of that of two warmup steps, half of that of one.
    train(tiny_base, tmp_path / "one", pair, start, epochs=1, warmup_ratio=1.0, learning_rate=2e-2)
    moved = margins(tiny_base, tmp_path / "one", pair)[0] - margins(tiny_base, tmp_path / "start", pair)[0]
    assert losses[0] == pytest.approx(math.log(2), abs=1e-6)
    assert losses[1] == pytest.approx(minus_log_sigmoid(SETTINGS.beta * moved), abs=1e-5)
    assert losses[1] < losses[0] - 0.01


def test_the_likelihood_of_the_chosen_text_is_added_per_token(tiny_base: Path, tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, likelihood=0.25)
    tokens = sum(len(pair.chosen) + 1 for pair in PAIRS)
    likelihood = -sum(log_likelihoods(tiny_base, None, [(pair.prompt, pair.chosen) for pair in PAIRS])) / tokens
    found = first_loss(tiny_base, tmp_path / "out", PAIRS, settings)
    assert found == pytest.approx(math.log(2) + 0.25 * likelihood, abs=1e-5)


def test_a_margin_asks_for_more_where_the_scores_differ_more(tiny_base: Path, tmp_path: Path) -> None:
    settings = dataclasses.replace(SETTINGS, margin=2.0)
    pairs = [dataclasses.replace(pair, gap=gap) for pair, gap in zip(PAIRS, (0.0, 0.5, 1.0), strict=False)]
    expected = sum(minus_log_sigmoid(-2.0 * gap) for gap in (0.0, 0.5, 1.0)) / 3
    assert first_loss(tiny_base, tmp_path / "out", pairs, settings) == pytest.approx(expected, abs=1e-5)


def test_the_loss_falls_and_held_out_pairs_are_preferred_more(tiny_base: Path, tmp_path: Path) -> None:
    heard: list[tuple[int, int, float]] = []
    result = train(tiny_base, tmp_path / "out", report=lambda *report: heard.append(report), epochs=5)
    assert [step for step, _, _ in heard] == list(range(1, 11))
    assert {steps for _, steps, _ in heard} == {10}
    assert (result.steps, result.truncated, result.dropped) == (10, 0, 0)
    assert result.loss < 0.8 * heard[0][2]
    gains = np.subtract(margins(tiny_base, tmp_path / "out", HELD_OUT), margins(tiny_base, None, HELD_OUT))
    assert min(gains) > 1.0
    assert result.digest == digest_bytes((tmp_path / "out" / adapter.WEIGHTS_FILE).read_bytes())
    found = adapter.read_signature(tmp_path / "out")
    assert (found.rank, found.alpha, found.target_modules) == (4, 8.0, ("q_proj", "up_proj", "v_proj"))
    signature.check_base(tiny_base, found)


def test_two_trainings_give_the_same_bytes_and_leave_everything_else_alone(tiny_base: Path, tmp_path: Path) -> None:
    """Randomness, environment and files are as before, whatever was drawn in between."""
    before = (torch.random.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist(), dict(os.environ))
    one = train(tiny_base, tmp_path / "one")
    after = (torch.random.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist(), dict(os.environ))
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]
    torch.rand(3)
    random.random()
    np.random.random(3)
    assert train(tiny_base, tmp_path / "two") == one
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_training_goes_on_from_the_adapter_it_is_given(tiny_base: Path, tmp_path: Path) -> None:
    train(tiny_base, tmp_path / "first")
    train(tiny_base, tmp_path / "on", start=tmp_path / "first", learning_rate=1e-9)
    first, on = adapter.load(tmp_path / "first"), adapter.load(tmp_path / "on")
    for name in first:
        torch.testing.assert_close(on[name], first[name], rtol=0, atol=1e-6)


@pytest.mark.long
def test_checkpointing_and_accumulation_change_memory_and_not_what_is_learned(tiny_base: Path, tmp_path: Path) -> None:
    train(tiny_base, tmp_path / "one")
    train(tiny_base, tmp_path / "two", gradient_checkpointing=True, batch_size=2, gradient_accumulation=4)
    one, two = adapter.load(tmp_path / "one"), adapter.load(tmp_path / "two")
    for name in one:
        torch.testing.assert_close(one[name], two[name], rtol=1e-2, atol=1e-3)


def test_texts_have_the_tokens_of_supervised_fine_tuning_and_one_end_token(tiny_base: Path) -> None:
    """Text that spells a control token stays text."""
    tokenizer = base.load(BaseModelConfig(tiny_base)).tokenizer
    pairs = [PreferencePair("ab", "c<eos>", "d"), PreferencePair("<bos>", "<eos>", "x")]
    tokenized, _ = preference_pairs.tokenize(tokenizer, pairs, TRAINING)
    for side in ("chosen", "rejected"):
        rows = [(pair.prompt, getattr(pair, side)) for pair in pairs]
        examples, _ = training.tokenize(tokenizer, rows, TRAINING)
        assert [[*one.prompt, *getattr(one, side)] for one in tokenized] == [example.ids for example in examples]
    for one in tokenized:
        assert one.chosen.count(tokenizer.eos_token_id) == one.rejected.count(tokenizer.eos_token_id) == 1
        assert one.prompt.count(tokenizer.bos_token_id) == 1


def test_pairs_that_are_cut_are_counted_and_pairs_that_teach_nothing_are_dropped(
    tiny_base: Path, tmp_path: Path
) -> None:
    pairs = [
        PreferencePair("ab", "cd", "ce"),
        PreferencePair("ab", "cdefgh", "x"),
        PreferencePair("ab", "cdefgh", "cdefxy"),  # the same up to the cut
        PreferencePair("ab", "same", "same"),
        PreferencePair("abcdefgh", "x", "y"),  # the prompt alone fills the length
    ]
    tokenizer = base.load(BaseModelConfig(tiny_base)).tokenizer
    fitting, truncated = preference_pairs.tokenize(tokenizer, pairs, dataclasses.replace(TRAINING, max_length=6))
    assert (len(fitting), truncated) == (2, 1)
    result = train(tiny_base, tmp_path / "out", pairs, max_length=6)
    assert (result.truncated, result.dropped) == (1, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"max_length": 3}, "maxLength 3: no two texts that differ fit in any of 16", id="no pair fits"),
        pytest.param({"target_modules": ("nowhere",)}, "targetModules nowhere", id="no such layer"),
        pytest.param({"target_modules": ("lm_head",)}, "cannot adapt the output layer", id="output layer"),
        pytest.param({"learning_rate": float("inf")}, "learningRate inf: the loss is nan", id="divergence"),
    ],
)
def test_what_cannot_be_trained_is_refused_and_leaves_nothing(
    tiny_base: Path, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        train(tiny_base, tmp_path / "out", **changes)
    assert list(tmp_path.iterdir()) == []


ARENA = Path(__file__).parents[3] / "examples/arithmetic/base"
PROGRAM = """
import dataclasses, sys
from pathlib import Path
from swarm_trainer.lora import preference
from swarm_trainer.lora.base import BaseModelConfig
from swarm_trainer.lora.preference_pairs import PreferencePair, PreferenceSettings
from swarm_trainer.lora.training import TrainingSettings

training = TrainingSettings(4, 8.0, ("q_proj", "v_proj"), 3, 5e-3, 0.1, 64, 8, 1, False, False)
pairs = [PreferencePair(f"{a}+{b}=", str(a + b), str(a * b)) for a in range(2, 10) for b in range(11, 17)]
report = lambda step, steps, loss: print(step, steps, loss, flush=True)
settings = PreferenceSettings(training, 0.1, 0.0, 0.0)
print(preference.train(BaseModelConfig(Path(sys.argv[1])), pairs, settings, 5, Path(sys.argv[2]), report).digest)
"""


@pytest.mark.long
def test_a_model_that_knows_sums_learns_to_prefer_products_to_them(tmp_path: Path) -> None:
    """The base of the arithmetic example, on held-out operands."""
    pairs = [PreferencePair(f"{a}+{b}=", str(a * b), str(a + b)) for a in range(2, 10) for b in range(11, 17)]
    held_out = [PreferencePair(f"{a}+{b}=", str(a * b), str(a + b)) for a in range(2, 10) for b in range(17, 19)]
    losses: list[float] = []
    report = lambda _step, _steps, loss: losses.append(loss)  # noqa: E731
    train(ARENA, tmp_path / "out", pairs, report=report, epochs=5, learning_rate=5e-3)
    gains = np.subtract(margins(ARENA, tmp_path / "out", held_out), margins(ARENA, None, held_out))
    assert float(np.mean(losses[-6:])) < 0.5 * losses[0]
    assert float(np.mean(gains)) > 3.0  # nats; measured: 5.9
    assert sum(gains > 0) >= 12  # of 16; measured: 13


@pytest.mark.long
def test_a_training_that_was_killed_ends_in_the_same_bytes(tmp_path: Path) -> None:
    def start(out: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PROGRAM, str(ARENA), str(out)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    with start(tmp_path / "killed" / "out") as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline().startswith("1 18 ")
        killed.kill()
    assert not (tmp_path / "killed" / "out").exists()
    ends = []
    for name in ("killed", "fresh"):
        with start(tmp_path / name / "out") as process:
            ends.append(process.communicate()[0].splitlines())
    assert ends[0] == ends[1]
    assert len(ends[0]) == 19
