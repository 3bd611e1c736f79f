"""Exact sums: the change of the weights is the weighted sum of the adapters' changes, or the nearest of a rank."""

from collections.abc import Callable, Sequence
from pathlib import Path

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

from swarm_core.errors import BadInputError
from swarm_core.ports import Completion, Request
from swarm_core.recipe import Digest, Merge, Recipe, TensorGroup
from swarm_trainer.inference.local import LocalInference, LocalSettings
from swarm_trainer.lora import adapter, base, combine, export, signature
from swarm_trainer.lora.base import BaseModelConfig

BASE = Digest("b" * 64)
BASIS = (Digest("1" * 64), Digest("2" * 64), Digest("3" * 64))
RANK, SCALE = 4, 2.0
WEIGHTS = (0.7, -0.4, 1.3)


@pytest.fixture(scope="module")
def folders(tiny_base: Path, make_adapter: Callable[..., Path]) -> list[Path]:
    return [make_adapter(tiny_base, seed, rank=RANK, alpha=RANK * SCALE) for seed in (1, 2, 3)]


def exact(weights: Sequence[float] = WEIGHTS, max_rank: int | None = None, dtype: str = "float32") -> Recipe:
    return Recipe(BASE, BASIS[: len(weights)], (TensorGroup(tuple(weights)),), dtype, Merge.EXACT, max_rank)


def change(tensors: dict[str, Tensor], module: str, scale: float) -> Tensor:
    """The change of one layer's weight, in float64."""
    a, b = (tensors[signature.tensor_name(module, side)].double() for side in "AB")
    return scale * b @ a


def changes(folders: Sequence[Path], weights: Sequence[float]) -> dict[str, Tensor]:
    """The weighted sum of the adapters' changes of every layer."""
    loaded = [load_file(folder / adapter.WEIGHTS_FILE) for folder in folders]
    return {
        module: sum((w * change(one, module, SCALE) for w, one in zip(weights, loaded, strict=True)), torch.tensor(0.0))
        for module, _ in adapter.read_signature(folders[0]).shapes
    }


def nearest(dense: Tensor, rank: int) -> Tensor:
    u, s, v = torch.linalg.svd(dense, full_matrices=False)
    return u[:, :rank] * s[:rank] @ v[:rank]


def test_the_change_of_the_weights_is_the_sum_of_the_changes(folders: list[Path]) -> None:
    recipe = exact()
    found, known = dict(combine.combine_tensors(recipe, folders)), combine.compute_signature(recipe, folders)
    assert (known.rank, known.alpha) == (3 * RANK, 3 * RANK * SCALE)
    for module, dense in changes(folders, WEIGHTS).items():
        torch.testing.assert_close(change(found, module, known.scale), dense, rtol=1e-6, atol=1e-6)


def test_one_adapter_by_itself_is_that_adapter_bit_for_bit(folders: list[Path], tmp_path: Path) -> None:
    combine.write(exact((1.0,)), folders[:1], tmp_path / "out")
    for name in (adapter.WEIGHTS_FILE, adapter.CONFIG_FILE):
        assert (tmp_path / "out" / name).read_bytes() == (folders[0] / name).read_bytes()


def test_every_recipe_of_a_basis_has_the_same_a_and_the_same_rank(folders: list[Path]) -> None:
    one, two = (
        dict(combine.combine_tensors(exact(weights), folders)) for weights in ((0.2, 0.3, 0.5), (0.0, 1.0, 0.0))
    )
    for name, tensor in one.items():
        assert torch.equal(tensor, two[name]) is (".lora_A." in name)


def test_a_zero_coefficient_leaves_zeros_whatever_the_adapter_holds(folders: list[Path], tmp_path: Path) -> None:
    found = dict(combine.combine_tensors(exact((0.0, 1.0, 0.0)), folders))
    wanted = load_file(folders[1] / adapter.WEIGHTS_FILE)
    for name, tensor in found.items():
        if ".lora_B." in name:
            assert torch.equal(tensor[:, RANK : 2 * RANK], wanted[name])
            assert not tensor[:, :RANK].any()
            assert not tensor[:, 2 * RANK :].any()


@pytest.mark.parametrize("rank", [1, 5, 8, 11])
def test_beyond_the_highest_rank_a_layer_is_the_nearest_product_of_that_rank(folders: list[Path], rank: int) -> None:
    recipe = exact(max_rank=rank)
    found, known = dict(combine.combine_tensors(recipe, folders)), combine.compute_signature(recipe, folders)
    assert (known.rank, known.scale) == (rank, SCALE)
    for module, dense in changes(folders, WEIGHTS).items():
        torch.testing.assert_close(change(found, module, known.scale), nearest(dense, rank), rtol=1e-5, atol=1e-5)
        assert known.tensors[signature.tensor_name(module, "B")] == (dense.shape[0], rank)


def test_a_rank_that_is_not_passed_cuts_nothing(folders: list[Path]) -> None:
    plain, allowed = (dict(combine.combine_tensors(exact(max_rank=rank), folders)) for rank in (None, 3 * RANK))
    assert all(torch.equal(tensor, allowed[name]) for name, tensor in plain.items())


def test_a_layer_narrower_than_the_rank_keeps_its_whole_change(tiny_base: Path, make_adapter: Callable) -> None:
    wide = [make_adapter(tiny_base, seed, rank=10, alpha=20.0, targets=("v_proj",)) for seed in (1, 2, 3)]
    recipe = exact(max_rank=24)  # v_proj is 16 x 32
    found, known = dict(combine.combine_tensors(recipe, wide)), combine.compute_signature(recipe, wide)
    for module, dense in changes(wide, WEIGHTS).items():
        torch.testing.assert_close(change(found, module, known.scale), dense, rtol=1e-5, atol=1e-5)


def test_no_coefficients_at_all_are_cut_to_zeros(folders: list[Path]) -> None:
    assert all(not tensor.any() for _, tensor in combine.combine_tensors(exact((0.0, 0.0, 0.0), max_rank=8), folders))


def test_the_largest_entry_of_every_term_that_is_kept_is_positive(folders: list[Path]) -> None:
    for name, tensor in combine.combine_tensors(exact(max_rank=8), folders):
        if ".lora_B." in name:
            assert (tensor.gather(0, tensor.abs().argmax(0, keepdim=True)) > 0).all()


def test_groups_weigh_their_own_layers(folders: list[Path]) -> None:
    first = TensorGroup((1.0, 0.0, 0.0), ("base_model.model.model.layers.0.",))
    recipe = Recipe(BASE, BASIS, (first, TensorGroup((0.0, 0.5, 2.0))), merge=Merge.EXACT)
    found, known = dict(combine.combine_tensors(recipe, folders)), combine.compute_signature(recipe, folders)
    near, far = changes(folders, (1.0, 0.0, 0.0)), changes(folders, (0.0, 0.5, 2.0))
    for module in near:
        wanted = near[module] if ".layers.0." in module else far[module]
        torch.testing.assert_close(change(found, module, known.scale), wanted, rtol=1e-6, atol=1e-6)


def test_a_group_that_parts_the_two_sides_of_a_layer_is_refused(folders: list[Path]) -> None:
    side = "base_model.model.model.layers.0.self_attn.q_proj.lora_A"
    recipe = Recipe(BASE, BASIS, (TensorGroup((1.0, 0.0, 0.0), (side,)), TensorGroup(WEIGHTS)), merge=Merge.EXACT)
    with pytest.raises(BadInputError, match=r"q_proj\.lora_A.*another coefficient group than its B"):
        list(combine.combine_tensors(recipe, folders))


@pytest.mark.parametrize("max_rank", [None, 8])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_peft_loads_what_is_written_and_adds_the_sum_of_the_changes(
    tiny_base: Path, folders: list[Path], tmp_path: Path, max_rank: int | None, dtype: str
) -> None:
    combine.write(exact(max_rank=max_rank, dtype=dtype), folders, tmp_path / "out")
    ids = torch.randint(3, 40, (2, 9), generator=torch.Generator().manual_seed(0))
    with base.silence_transformers(), torch.inference_mode():
        model = AutoModelForCausalLM.from_pretrained(tiny_base).eval()
        for module, dense in changes(folders, WEIGHTS).items():
            layer = model.get_submodule(module)
            assert isinstance(layer, nn.Linear)
            layer.weight += (dense if max_rank is None else nearest(dense, max_rank)).float()
        wanted = model(ids).logits
        theirs = peft.PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_base), tmp_path / "out")
        found = theirs.eval()(ids).logits
    rounding = 1e-4 if dtype == "float32" else 0.1
    torch.testing.assert_close(found, wanted, rtol=rounding, atol=rounding)


@pytest.mark.parametrize("max_rank", [None, 8])
def test_the_local_engine_writes_what_peft_writes(
    tiny_base: Path, folders: list[Path], tmp_path: Path, max_rank: int | None
) -> None:
    recipe, prompts = exact(max_rank=max_rank), ["1", "12+3=", "a longer one: 99*98="]
    local = LocalInference(
        {BASE: tiny_base}, dict(zip(BASIS, folders, strict=True)).__getitem__, LocalSettings(max_model_len=64)
    )
    local.serve([recipe])
    answers = local.complete([Request(recipe.name, prompt, 12, 0.0, 1) for prompt in prompts])
    combine.write(recipe, folders, tmp_path / "out")
    loaded = base.load(BaseModelConfig(tiny_base))
    with base.silence_transformers():
        model = peft.PeftModel.from_pretrained(loaded.model, tmp_path / "out").eval()
    for prompt, answer in zip(prompts, answers, strict=True):
        ids = torch.tensor(base.tokenize_prompts(loaded.tokenizer, [prompt], chat=False))
        tokens = model.generate(input_ids=ids, max_new_tokens=12, do_sample=False)[0, ids.shape[1] :]
        assert isinstance(answer, Completion)
        assert answer.text == loaded.tokenizer.decode(tokens, skip_special_tokens=True)


def test_writing_a_cut_again_verifies_it(folders: list[Path], tmp_path: Path) -> None:
    combine.write(exact(max_rank=8), folders, tmp_path / "out")
    before = export.digest(tmp_path / "out")
    combine.write(exact(max_rank=8), folders, tmp_path / "out")
    assert export.digest(tmp_path / "out") == before


@pytest.mark.parametrize("max_rank", [None, 8])
def test_an_adapter_that_is_not_finite_is_refused_by_name(
    folders: list[Path], tiny_base: Path, make_adapter: Callable[..., Path], tmp_path: Path, max_rank: int | None
) -> None:
    broken = make_adapter(tiny_base, 4, rank=RANK, alpha=RANK * SCALE)
    tensors = load_file(broken / adapter.WEIGHTS_FILE)
    name = sorted(tensors)[1]
    tensors = {key: tensor.clone() for key, tensor in tensors.items()}
    tensors[name][0, 0] = float("nan")
    save_file(tensors, broken / adapter.WEIGHTS_FILE)
    with pytest.raises(BadInputError, match=r"layers\.0.*NaN or infinity"):
        combine.write(exact(max_rank=max_rank), [*folders[:2], broken], tmp_path / "out")
    assert not list(tmp_path.iterdir())
