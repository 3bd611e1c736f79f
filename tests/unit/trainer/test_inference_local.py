"""The local engine: many adapters in one batch are what PEFT makes of each, and what cannot be answered is said."""

from collections.abc import Callable
from pathlib import Path

import peft
import pytest
import torch
from transformers import AutoModelForCausalLM

from swarm_core.ports import Completion, InferenceError, Request, RequestFailure
from swarm_core.recipe import Digest, ModelName, Recipe, build_mixture, build_single
from swarm_trainer.inference.batched_lora import BatchedLora
from swarm_trainer.inference.local import LocalInference, LocalSettings
from swarm_trainer.lora import adapter, base, combine
from swarm_trainer.lora.base import BaseModelConfig

BASE = Digest("b" * 64)
ONE, TWO, ODD = Digest("1" * 64), Digest("2" * 64), Digest("3" * 64)
Make = Callable[..., Path]


@pytest.fixture(scope="module")
def folders(tiny_base: Path, make_adapter: Make) -> dict[Digest, Path]:
    odd = make_adapter(tiny_base, 3, rank=2, targets=("o_proj", "up_proj", "v_proj"))
    return {ONE: make_adapter(tiny_base, 1), TWO: make_adapter(tiny_base, 2), ODD: odd}


def engine(tiny_base: Path, folders: dict[Digest, Path], **settings: object) -> LocalInference:
    return LocalInference({BASE: tiny_base}, folders.__getitem__, LocalSettings(**{"max_model_len": 64, **settings}))


def ask(recipe: Recipe, prompt: str = "12+3=", temperature: float = 0.0, seed: int = 1, **more: object) -> Request:
    return Request(recipe.name, prompt, **{"max_tokens": 12, "temperature": temperature, "seed": seed, **more})


def peft_logits(tiny_base: Path, folder: Path, ids: torch.Tensor) -> torch.Tensor:
    with base.silence_transformers(), torch.inference_mode():
        model = peft.PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_base), folder).eval()
        return model(ids).logits


def test_every_row_of_a_mixed_batch_is_what_peft_makes_of_its_adapter(
    tiny_base: Path, folders: dict[Digest, Path]
) -> None:
    model = base.load(BaseModelConfig(tiny_base)).model
    batched, names = BatchedLora(model), {}
    for digest, folder in folders.items():
        names[digest] = build_single(BASE, digest).name
        batched.add(names[digest], adapter.read_signature(folder), adapter.load(folder))
    rows = [names[ODD], None, names[ONE], names[TWO], names[ONE], None]
    ids = torch.randint(3, 40, (len(rows), 9), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        plain = model(ids).logits
        with batched.apply_adapters(rows):
            found = model(ids).logits
        after = model(ids).logits
    folder_of = {name: folders[digest] for digest, name in names.items()}
    for row, name in enumerate(rows):
        wanted = plain if name is None else peft_logits(tiny_base, folder_of[name], ids)
        torch.testing.assert_close(found[row], wanted[row], rtol=1e-5, atol=1e-5)
        assert name is None or not torch.allclose(found[row], plain[row], atol=0.1)
    assert torch.equal(after, plain)


def test_a_mixture_is_answered_as_the_adapter_written_for_it(
    tiny_base: Path, folders: dict[Digest, Path], tmp_path: Path
) -> None:
    recipe = build_mixture(BASE, (ONE, TWO), (1.5, -0.5))
    combine.write(recipe, [folders[ONE], folders[TWO]], tmp_path / "out")
    written = build_single(BASE, Digest("4" * 64))
    local = engine(tiny_base, {**folders, Digest("4" * 64): tmp_path / "out"})
    local.serve([recipe, written])
    answers = local.complete(
        [ask(each, seed=seed, temperature=1.0) for seed in range(10) for each in (recipe, written)]
    )
    assert answers[::2] == answers[1::2]


@pytest.mark.parametrize("chat", [False, True])
def test_greedy_text_is_what_transformers_generates(tiny_base: Path, folders: dict[Digest, Path], chat: bool) -> None:
    local, bare = engine(tiny_base, folders), build_single(BASE)
    local.serve([bare])
    prompts = ["1", "12+3=", "a longer one: 99*98="]
    answers = local.complete([ask(bare, prompt, chat=chat) for prompt in prompts])
    loaded = base.load(BaseModelConfig(tiny_base))
    for prompt, answer in zip(prompts, answers, strict=True):
        ids = torch.tensor(base.tokenize_prompts(loaded.tokenizer, [prompt], chat))
        tokens = loaded.model.generate(ids, max_new_tokens=12, do_sample=False)[0, ids.shape[1] :]
        assert isinstance(answer, Completion)
        assert answer.text == loaded.tokenizer.decode(tokens, skip_special_tokens=True)
        assert answer.tokens == len(tokens)


def test_log_probabilities_are_the_models_own_at_every_temperature(
    tiny_base: Path, folders: dict[Digest, Path]
) -> None:
    local, bare = engine(tiny_base, folders), build_single(BASE)
    local.serve([bare])
    answers = local.complete([ask(bare, temperature=heat, seed=3, logprobs=2, top_p=0.9) for heat in (0.0, 1.0, 4.0)])
    loaded = base.load(BaseModelConfig(tiny_base))
    prompt = base.tokenize_prompts(loaded.tokenizer, ["12+3="], chat=False)[0]
    for answer in answers:
        assert isinstance(answer, Completion)
        assert answer.logprobs is not None
        written = loaded.tokenizer.convert_tokens_to_ids([one.token for one in answer.logprobs])
        with torch.inference_mode():
            logits = loaded.model(torch.tensor([[*prompt, *written]])).logits[0, len(prompt) - 1 : -1]
        wanted = torch.log_softmax(logits.double(), -1)
        own = torch.tensor([one.logprob for one in answer.logprobs]).double()
        torch.testing.assert_close(own, wanted[range(len(written)), written], atol=1e-5, rtol=0)
        top = torch.tensor([[value for _, value in one.top] for one in answer.logprobs]).double()
        torch.testing.assert_close(top, wanted.topk(2).values, atol=1e-5, rtol=0)


def test_an_end_token_has_its_probability_too(tiny_base: Path, folders: dict[Digest, Path]) -> None:
    local, hot = engine(tiny_base, folders), build_single(BASE)
    local.serve([hot])
    answers = local.complete([ask(hot, temperature=5.0, seed=seed, max_tokens=40, logprobs=0) for seed in range(40)])
    ended = [answer for answer in answers if isinstance(answer, Completion) and answer.finished]
    assert ended
    assert all(answer.logprobs and len(answer.logprobs) == answer.tokens for answer in ended)
    assert {answer.logprobs[-1].token for answer in ended if answer.logprobs} == {"<eos>"}


def test_results_do_not_depend_on_how_batches_are_cut(tiny_base: Path, folders: dict[Digest, Path]) -> None:
    recipes = [
        build_single(BASE),
        build_single(BASE, ONE),
        build_mixture(BASE, (ONE, TWO), (0.5, 0.5)),
        build_single(BASE, ODD),
    ]
    requests = [
        ask(recipe, f"{seed}+{seed * 7}=", float(seed % 2), seed, max_tokens=4 + seed % 9)
        for seed in range(12)
        for recipe in recipes
    ]
    texts = []
    for rows in (1, 5, 64):
        local = engine(tiny_base, folders, batch_rows=rows)
        local.serve(recipes)
        texts.append(local.complete(requests))
    assert texts[0] == texts[1] == texts[2]


def test_the_same_list_gives_the_same_results_in_another_engine(tiny_base: Path, folders: dict[Digest, Path]) -> None:
    recipes = [build_single(BASE, ONE), build_single(BASE, TWO)]
    requests = [ask(recipe, temperature=1.3, seed=seed) for seed in range(8) for recipe in recipes]
    results = []
    for _ in range(2):
        local = engine(tiny_base, folders, threads=1)
        local.serve(recipes)
        results += [local.complete(requests), local.complete(requests)]
    assert all(result == results[0] for result in results)


def test_an_end_token_ends_the_text_and_is_counted(tiny_base: Path, folders: dict[Digest, Path]) -> None:
    local, hot = engine(tiny_base, folders), build_single(BASE)
    local.serve([hot])
    answers = local.complete([ask(hot, temperature=5.0, seed=seed, max_tokens=40) for seed in range(40)])
    ended = [answer for answer in answers if isinstance(answer, Completion) and answer.finished]
    assert ended
    assert all(answer.tokens >= len(answer.text) + 1 for answer in ended)
    assert all(answer.tokens == 40 for answer in answers if isinstance(answer, Completion) and not answer.finished)


@pytest.mark.parametrize(
    ("prompt", "max_tokens", "message"),
    [
        pytest.param(
            "1" * 60, 12, "prompt of 61 tokens plus 12 tokens to generate exceed maxModelLen 64", id="too long"
        ),
        pytest.param("1", 0, "max_tokens 0", id="nothing to write"),
        pytest.param("1", 12, "empty string", id="an empty stop"),
    ],
)
def test_a_request_that_cannot_be_answered_fails_alone(
    tiny_base: Path, folders: dict[Digest, Path], prompt: str, max_tokens: int, message: str
) -> None:
    local, bare = engine(tiny_base, folders), build_single(BASE)
    local.serve([bare])
    good, stop = ask(bare), ("",) if message == "empty string" else ()
    first, failed, last = local.complete([good, ask(bare, prompt, max_tokens=max_tokens, stop=stop), good])
    assert isinstance(failed, RequestFailure)
    assert message in failed.message
    assert first == last == local.complete([good])[0]


def test_probabilities_that_are_not_numbers_fail_the_request_alone(
    tiny_base: Path, make_adapter: Make, folders: dict[Digest, Path]
) -> None:
    huge = Digest("5" * 64)
    local = engine(tiny_base, {**folders, huge: make_adapter(tiny_base, 9, size=1e37)})
    recipes = [build_single(BASE, ONE), build_single(BASE, huge)]
    local.serve(recipes)
    good, bad = local.complete([ask(recipe) for recipe in recipes])
    assert isinstance(good, Completion)
    assert isinstance(bad, RequestFailure)
    assert "not numbers" in bad.message


def test_chat_without_a_template_is_an_error_of_the_engine(make_base: Make) -> None:
    local, bare = engine(make_base(chat=False), {}), build_single(BASE)
    local.serve([bare])
    with pytest.raises(InferenceError, match="no chat template"):
        local.complete([ask(bare, chat=True)])


def test_what_cannot_be_served_is_refused_when_it_is_to_be_served(
    tiny_base: Path, make_base: Make, make_adapter: Make, folders: dict[Digest, Path]
) -> None:
    local = engine(tiny_base, {**folders, TWO: make_adapter(make_base(hidden=64))})
    with pytest.raises(InferenceError, match=f"adapter {TWO}: .*adapter of another base model"):
        local.serve([build_single(BASE, ONE), build_single(BASE, TWO)])
    with pytest.raises(InferenceError, match=r"base c+: this engine has no such base"):
        local.serve([build_single(Digest("c" * 64))])


def test_a_length_beyond_the_model_is_refused(tiny_base: Path) -> None:
    local = engine(tiny_base, {}, max_model_len=129)
    with pytest.raises(InferenceError, match=r"maxModelLen 129.*at most 128"):
        local.serve([build_single(BASE)])


def test_a_base_is_loaded_before_anything_is_completed(tiny_base: Path) -> None:
    # Loading changes defaults of the whole process: while another engine completes, nothing may be loaded.
    local = engine(tiny_base, {})
    local.serve([build_single(BASE)])
    (tiny_base / "config.json").rename(tiny_base / "moved.json")
    try:
        assert isinstance(local.complete([ask(build_single(BASE))])[0], Completion)
    finally:
        (tiny_base / "moved.json").rename(tiny_base / "config.json")


def test_two_bases_are_served_together(tiny_base: Path, make_base: Make) -> None:
    other = Digest("d" * 64)
    local = LocalInference({BASE: tiny_base, other: make_base(seed=4)}, {}.__getitem__, LocalSettings(max_model_len=64))
    local.serve([build_single(BASE), build_single(other)])
    first, second, third = local.complete([ask(build_single(BASE)), ask(build_single(other)), ask(build_single(BASE))])
    assert first == third != second


def test_what_is_not_used_is_forgotten_longest_unused_first(tiny_base: Path, folders: dict[Digest, Path]) -> None:
    model = base.load(BaseModelConfig(tiny_base)).model
    names = [ModelName(letter * 64) for letter in "xyz"]
    tensors, known = adapter.load(folders[ONE]), adapter.read_signature(folders[ONE])
    size = sum(tensor.nbytes for tensor in tensors.values())
    batched = BatchedLora(model, limit=2 * size)
    for name in names[:2]:
        batched.add(name, known, tensors)
    batched.evict([names[0]])
    batched.add(names[2], known, tensors)
    batched.evict([names[2]])
    assert [name in batched for name in names] == [True, False, True]
    batched.add(names[1], known, tensors)
    batched.evict(names)
    assert all(name in batched for name in names), "a batch may need more than the limit"
