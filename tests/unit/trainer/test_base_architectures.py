"""Each kind of base model is trained, summed and asked right, or refused before it is loaded, by what it is."""

import dataclasses
import json
import math
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForSeq2SeqLM, PreTrainedModel

from swarm_core.errors import BadInputError
from swarm_core.ports import Completion, Request
from swarm_core.recipe import Digest, Recipe, build_mixture, build_single
from swarm_trainer.inference.local import LocalInference, LocalSettings
from swarm_trainer.lora import base, base_checks, combine, preference, training
from swarm_trainer.lora.base import BaseModelConfig
from swarm_trainer.lora.lora_layers import LoraSize
from swarm_trainer.lora.preference_pairs import PreferencePair, PreferenceSettings
from swarm_trainer.lora.training import TrainingSettings

BASE, ADAPTERS = Digest("b" * 64), (Digest("1" * 64), Digest("2" * 64))
IDS: Mapping[str, Any] = {"vocab_size": 64, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
SMALL: Mapping[str, Any] = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 256,
}  # fmt: skip
OLD: Mapping[str, Any] = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128}
NEOX: Mapping[str, Any] = {key: value for key, value in SMALL.items() if key != "num_key_value_heads"}
VISION: Mapping[str, Any] = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4, "image_size": 28,
    "patch_size": 14,
}  # fmt: skip
SETTINGS = TrainingSettings(4, 8.0, (), 1, 1e-2, 0.1, 64, 8, 1, gradient_checkpointing=False, chat=True)
PROMPTS = ("1", "12+3=", "a longer one: 99*98=")

USED: Mapping[str, tuple[Mapping[str, Any], tuple[str, ...], int | None]] = {
    "llama": (SMALL, ("q_proj", "down_proj"), 256),
    "qwen2": (SMALL, ("q_proj",), 256),
    "qwen3": ({**SMALL, "head_dim": 8}, ("k_proj",), 256),
    "gemma2": ({**SMALL, "head_dim": 8}, ("o_proj",), 256),
    "gemma3_text": ({**SMALL, "head_dim": 8}, ("v_proj",), 256),
    "mistral": ({**SMALL, "head_dim": 8}, ("q_proj",), 256),
    "phi3": (SMALL, ("qkv_proj", "gate_up_proj"), 256),
    "gpt2": (OLD, ("c_attn", "c_proj"), 128),
    "gpt_neox": (NEOX, ("query_key_value",), 256),
    "bloom": ({"hidden_size": 32, "n_layer": 2, "n_head": 4}, ("query_key_value",), None),
    "mpt": ({"d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": 128}, ("Wqkv",), 128),
    "opt": ({**NEOX, "ffn_dim": 64, "word_embed_proj_dim": 32}, ("fc1", "q_proj"), 256),
    "falcon": (NEOX, ("query_key_value", "dense"), 256),
    "gpt_bigcode": (OLD, ("c_attn",), 128),
    "mixtral": ({**SMALL, "num_local_experts": 4}, ("q_proj",), 256),
    "lfm2": (SMALL, ("w1", "q_proj"), 256),
    "gemma3": (
        {
            "text_config": {**IDS, **SMALL, "head_dim": 8}, "vision_config": VISION, "mm_tokens_per_image": 4,
            "image_token_index": 60, "boi_token_index": 61, "eoi_token_index": 62,
        },
        ("q_proj", "v_proj"),
        256,
    ),
}  # fmt: skip
"""The settings of a tiny model, the layers to adapt, and the number of its positions."""
QUICK = ("gpt2", "bloom", "opt", "gemma3")
"""The bases with layers, positions and modules unlike those of the tests' other models."""
REFUSED: Mapping[str, tuple[Mapping[str, Any], Any, str]] = {
    "t5": ({"d_model": 32, "d_ff": 64, "num_layers": 2, "num_heads": 4, "d_kv": 8}, AutoModelForSeq2SeqLM,
           r"encoder-decoder \(t5\)"),
    "bart": ({"d_model": 32, "encoder_layers": 1, "decoder_layers": 1}, AutoModelForSeq2SeqLM, "encoder-decoder"),
    "bert": (NEOX, AutoModelForCausalLM, r"masked language model \(bert\)"),
    "mamba": ({"hidden_size": 32, "num_hidden_layers": 2}, AutoModelForCausalLM, "'mamba' does not keep"),
    "rwkv": ({"hidden_size": 32, "num_hidden_layers": 2}, AutoModelForCausalLM, "'rwkv' does not keep"),
    "jamba": (SMALL, AutoModelForCausalLM, "'jamba' does not keep keys and values"),
    "xlnet": ({"d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 64}, AutoModelForCausalLM, "'xlnet' does not keep"),
    "openai-gpt": (OLD, AutoModelForCausalLM, "'openai-gpt' does not keep"),
    "vit": (VISION, AutoModel, "'vit' is not a causal language model"),
}  # fmt: skip


def write_base(
    folder: Path, tokenizer: Path, kind: str, fields: Mapping[str, Any], make: Any = AutoModelForCausalLM
) -> Path:
    """Write a tiny random model whose attention differs enough between prompts, with the tests' tokenizer."""
    own = {} if "text_config" in fields else IDS
    with base.silence_transformers(), torch.random.fork_rng():
        torch.manual_seed(0)
        model: PreTrainedModel = make.from_config(AutoConfig.for_model(kind, **{**own, **fields}))
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.data.mul_(6.0)
        model.save_pretrained(folder)
    for path in tokenizer.glob("tokenizer*"):
        (folder / path.name).write_bytes(path.read_bytes())
    for path in tokenizer.glob("*.jinja"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def write_greedily(model: torch.nn.Module, loaded: base.LoadedModel, prompt: str, count: int) -> str:
    """The likeliest text, token by token, with nothing kept between tokens and nothing beside it in the batch."""
    (ids,), written = base.tokenize_prompts(loaded.tokenizer, [prompt], chat=True), []
    with torch.inference_mode():
        while len(written) < count:
            token = int(model(input_ids=torch.tensor([[*ids, *written]]), use_cache=False).logits[0, -1].argmax())
            if token in loaded.end_tokens:
                break
            written.append(token)
    return str(loaded.tokenizer.decode(written, skip_special_tokens=True))


def train_two(folder: Path, out: Path, targets: tuple[str, ...]) -> list[Path]:
    settings = dataclasses.replace(SETTINGS, target_modules=targets)
    for number in (1, 2):
        pairs = [(f"{number}+{n}", f"{n}*{number}") for n in range(8)]
        training.train(BaseModelConfig(folder), pairs, settings, 5, out / str(number), lambda *_: None)
    return [out / "1", out / "2"]


@pytest.mark.parametrize(
    "kind", [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.long) for kind in USED]
)
def test_a_base_that_passes_is_trained_summed_and_asked_right(kind: str, tiny_base: Path, tmp_path: Path) -> None:
    fields, targets, length = USED[kind]
    folder = write_base(tmp_path / "base", tiny_base, kind, fields)
    base_checks.check_model(folder)
    base_checks.check_targets(folder, LoraSize(4, 8.0, targets))
    base_checks.check_tokenizer(folder, chat=True, trained=True)
    assert base.read_max_length(base.read_config(folder)) == length
    adapters = train_two(folder, tmp_path, targets)
    mixture, bare = build_mixture(BASE, ADAPTERS, (1.5, -0.7)), build_single(BASE)
    local = LocalInference(
        {BASE: folder}, dict(zip(ADAPTERS, adapters, strict=True)).__getitem__, LocalSettings(max_model_len=100)
    )
    local.serve([mixture, bare])
    answers = local.complete([ask(recipe, prompt) for recipe in (mixture, bare) for prompt in PROMPTS])
    combine.write(mixture, adapters, tmp_path / "mixture")
    loaded = base.load(BaseModelConfig(folder))
    plain = [write_greedily(loaded.model, loaded, prompt, 6) for prompt in PROMPTS]
    with base.silence_transformers(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="fan_in_fan_out is set to False")  # peft corrects it
        summed = peft.PeftModel.from_pretrained(loaded.model, tmp_path / "mixture").eval()
    wanted = [write_greedily(summed, loaded, prompt, 6) for prompt in PROMPTS]
    assert [answer.text for answer in answers if isinstance(answer, Completion)] == [*wanted, *plain]


@pytest.mark.parametrize(
    "kind", [kind if kind in QUICK[:2] else pytest.param(kind, marks=pytest.mark.long) for kind in USED]
)
def test_preference_training_reads_the_probabilities_that_the_base_has(
    kind: str, tiny_base: Path, tmp_path: Path
) -> None:
    """trl computes them from the hidden states, with what it knows of each kind's output layer."""
    fields, targets, _ = USED[kind]
    folder = write_base(tmp_path / "base", tiny_base, kind, fields)
    pairs = [PreferencePair(f"{n}+2=", f"{n}*9", f"{n}") for n in range(3)]
    size = dataclasses.replace(SETTINGS, target_modules=targets, learning_rate=1e-9)
    settings = PreferenceSettings(size, beta=0.1, likelihood=1.0, margin=0.0)
    found = preference.train(BaseModelConfig(folder), pairs, settings, 5, tmp_path / "out", lambda *_: None)
    loaded = base.load(BaseModelConfig(folder))
    examples, _ = training.tokenize(loaded.tokenizer, [(pair.prompt, pair.chosen) for pair in pairs], size)
    losses: list[float] = []
    for example in examples:
        with torch.inference_mode():
            logits = loaded.model(input_ids=torch.tensor([example.ids]), use_cache=False).logits[0, :-1]
        targeted = torch.tensor(example.labels[1:])
        losses += torch.nn.functional.cross_entropy(logits.float(), targeted, reduction="none")[targeted >= 0].tolist()
    assert found.loss == pytest.approx(math.log(2) + sum(losses) / len(losses), rel=1e-4)


def ask(recipe: Recipe, prompt: str) -> Request:
    return Request(recipe.name, prompt, 6, 0.0, 1, chat=True)


@pytest.mark.parametrize("kind", REFUSED)
def test_a_base_that_cannot_be_used_is_refused_by_what_it_is(kind: str, tiny_base: Path, tmp_path: Path) -> None:
    fields, make, message = REFUSED[kind]
    folder = write_base(tmp_path / "base", tiny_base, kind, fields, make)
    with pytest.raises(BadInputError, match=message):
        base_checks.check_model(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}, "quantized .bitsandbytes."),
        ({"architectures": ["LlamaForSequenceClassification"]}, "LlamaForSequenceClassification, which writes no text"),
        ({"model_type": "mine", "auto_map": {"AutoModelForCausalLM": "x.Y"}}, "'mine' needs code of its own"),
        ({"model_type": "mine"}, "transformers cannot read it"),
        ({"hidden_size": 48}, "other shapes than config.json says"),
        ({"quantization_config": "fp8"}, "quantized .fp8."),
        ({"num_hidden_layers": 10**9}, "1000000000 layers"),
        ({"num_hidden_layers": 0}, "0 layers"),
        ({"num_attention_heads": 0}, "transformers cannot read it"),
        ({"vocab_size": "33"}, "transformers cannot read it"),
        ({"pad_token_id": 10**6}, "transformers cannot read it"),
    ],
)
def test_a_configuration_that_says_what_cannot_be_used_is_refused(
    changes: Mapping[str, Any], message: str, make_base: Callable[..., Path]
) -> None:
    folder = make_base()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
    with pytest.raises(BadInputError, match=message):
        base_checks.check_model(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_pointer_in_the_place_of_a_file_is_called_what_it_is(name: str, make_base: Callable[..., Path]) -> None:
    folder = make_base()
    (folder / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(BadInputError, match=f"{name} is a Git LFS pointer.*git lfs pull"):
        base_checks.check_model(folder)


@pytest.mark.parametrize("name", ["model.layers.1.self_attn.q_proj.weight", "lm_head.weight"])
def test_weights_that_are_missing_are_named_before_and_while_a_base_is_loaded(
    name: str, make_base: Callable[..., Path]
) -> None:
    folder = make_base()
    weights = load_file(folder / "model.safetensors")
    del weights[name]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    for check in (base_checks.check_model, lambda path: base.load(BaseModelConfig(path))):
        with pytest.raises(BadInputError, match=f"no weights for 1 tensors of LlamaForCausalLM, such as {name}"):
            check(folder)


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"\xff"])
def test_a_folder_without_a_readable_configuration_is_refused(
    content: bytes | None, make_base: Callable[..., Path]
) -> None:
    folder = make_base()
    (folder / "config.json").unlink()
    if content is not None:
        (folder / "config.json").write_bytes(content)
    with pytest.raises(BadInputError, match="transformers cannot read it"):
        base_checks.check_model(folder)


def test_target_modules_that_the_base_lacks_are_named_with_what_it_has(tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"c_attn: .* it has down_proj, gate_proj, k_proj, lm_head, o_proj"):
        base_checks.check_targets(tiny_base, LoraSize(4, 8.0, ("q_proj", "c_attn")))
    folder = write_base(tmp_path / "moe", tiny_base, "deepseek_v3", {
        **SMALL, "q_lora_rank": 8, "kv_lora_rank": 8, "qk_rope_head_dim": 4, "v_head_dim": 8, "qk_nope_head_dim": 8,
        "n_routed_experts": 4, "moe_intermediate_size": 16, "first_k_dense_replace": 1, "num_experts_per_tok": 2,
        "n_group": 1, "topk_group": 1,
    })  # fmt: skip
    for targets in (("gate_proj",), ("gate_proj", "up_proj", "down_proj")):
        with pytest.raises(BadInputError, match="targetModules"):
            base_checks.check_targets(folder, LoraSize(4, 8.0, targets))


def change_tokenizer(folder: Path, **changes: object) -> None:
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_tokenizer_without_an_end_token_cannot_be_trained_with(make_base: Callable[..., Path]) -> None:
    folder = make_base()
    change_tokenizer(folder, eos_token=None)
    base_checks.check_tokenizer(folder, chat=True, trained=False)
    with pytest.raises(BadInputError, match="no end token"):
        base_checks.check_tokenizer(folder, chat=True, trained=True)


def test_a_base_without_a_padding_token_is_used(make_base: Callable[..., Path]) -> None:
    folder = make_base()
    change_tokenizer(folder, pad_token=None)
    base_checks.check_tokenizer(folder, chat=True, trained=True)


def test_a_tokenizer_of_a_larger_model_is_refused(make_base: Callable[..., Path]) -> None:
    folder = make_base()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "vocab_size": 20}))
    with pytest.raises(BadInputError, match=r"tokens up to \d+, but the model has 20 rows"):
        base_checks.check_tokenizer(folder, chat=False, trained=False)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (None, "no chat template"),
        ("{{ raise_exception('never') }}", r"rejects the messages \(never\)"),
        ("{% for part in messages[0]['content'] %}{{ part['text'] }}{% endfor %}", "leaves out"),
        ("{% for m in messages %}{{ m['content'][0]['text'] | upper }}{% endfor %}", "leaves out"),
        ("{% for m in messages %}{{ m['content'] + 3 }}{% endfor %}", "rejects the messages"),
        ("hello", "leaves out what the user says"),
        ("{{ ['a', 'b'] | random }}{{ messages[0]['content'] }}", "random numbers .random."),
        ("{% if %}", "rejects the messages"),
    ],
)  # fmt: skip
def test_a_chat_template_that_cannot_be_used_is_refused(
    template: str | None, message: str, make_base: Callable[..., Path]
) -> None:
    folder = make_base(chat=False)
    if template is not None:
        (folder / "chat_template.jinja").write_text(template)
    base_checks.check_tokenizer(folder, chat=False, trained=True)
    with pytest.raises(BadInputError, match=message):
        base_checks.check_tokenizer(folder, chat=True, trained=True)


def test_several_end_tokens_are_all_ends(make_base: Callable[..., Path]) -> None:
    folder = make_base()
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [2, 7, 9]}))
    assert base.load(BaseModelConfig(folder)).end_tokens == {2, 7, 9}


def test_every_refusal_is_one_line_with_a_way_out(tiny_base: Path, tmp_path: Path) -> None:
    for kind, (fields, make, _) in REFUSED.items():
        folder = write_base(tmp_path / kind, tiny_base, kind, fields, make)
        with pytest.raises(BadInputError) as caught:
            base_checks.check_model(folder)
        assert re.search(r"; give ", str(caught.value))
        assert "\n" not in str(caught.value)
