"""Sums of adapters: exact where arithmetic allows it, streamed, written once."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from swarm_core.errors import BadInputError
from swarm_core.ports import CorruptError
from swarm_core.recipe import Digest, Merge, Recipe, TensorGroup, build_mixture, build_single
from swarm_trainer.lora import adapter, combine, export

BASE = Digest("b" * 64)
BASIS = (Digest("1" * 64), Digest("2" * 64), Digest("3" * 64))


@pytest.fixture(scope="module")
def folders(tiny_base: Path, make_adapter: Callable[..., Path]) -> list[Path]:
    return [make_adapter(tiny_base, seed) for seed in (1, 2, 3)]


def test_one_adapter_with_coefficient_one_is_that_adapter_bit_for_bit(folders: list[Path], tmp_path: Path) -> None:
    combine.write(build_single(BASE, BASIS[0]), folders[:1], tmp_path / "out")
    for name in (adapter.WEIGHTS_FILE, adapter.CONFIG_FILE):
        assert (tmp_path / "out" / name).read_bytes() == (folders[0] / name).read_bytes()


def test_a_vertex_of_a_longer_basis_is_that_adapter_bit_for_bit(folders: list[Path]) -> None:
    found = dict(combine.combine_tensors(build_mixture(BASE, BASIS, (0.0, 1.0, 0.0)), folders))
    wanted = load_file(folders[1] / adapter.WEIGHTS_FILE)
    assert all(torch.equal(found[name].view(torch.int32), wanted[name].view(torch.int32)) for name in wanted)


def test_the_sum_is_taken_in_basis_order_in_float32(folders: list[Path]) -> None:
    one, two, three = (load_file(folder / adapter.WEIGHTS_FILE) for folder in folders)
    for name, tensor in combine.combine_tensors(build_mixture(BASE, BASIS, (-1.0, 0.3, 1.7)), folders):
        wanted = (one[name] * -1.0 + two[name] * 0.3) + three[name] * 1.7
        assert torch.equal(tensor, wanted)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.tuples(*[st.floats(-2.5, 2.5)] * 3))
def test_combining_is_linear_in_the_coefficients(folders: list[Path], coefficients: tuple[float, float, float]) -> None:
    sources = [load_file(folder / adapter.WEIGHTS_FILE) for folder in folders]
    for name, tensor in combine.combine_tensors(build_mixture(BASE, BASIS, coefficients), folders):
        wanted = sum(c * source[name].double() for c, source in zip(coefficients, sources, strict=True))
        torch.testing.assert_close(tensor.double(), wanted, rtol=1e-5, atol=1e-6)


def test_no_coefficients_at_all_give_zeros(folders: list[Path]) -> None:
    assert all(
        not tensor.any() for _, tensor in combine.combine_tensors(build_mixture(BASE, BASIS, (0.0, 0.0, 0.0)), folders)
    )


def test_each_tensor_is_summed_with_the_first_group_that_it_belongs_to(folders: list[Path]) -> None:
    first = TensorGroup((1.0, 0.0, 0.0), ("base_model.model.model.layers.0.",))
    rest = TensorGroup((0.0, 0.0, 2.0))
    one, three = (load_file(folder / adapter.WEIGHTS_FILE) for folder in (folders[0], folders[2]))
    for name, tensor in combine.combine_tensors(Recipe(BASE, BASIS, (first, rest)), folders):
        assert torch.equal(tensor, one[name] if ".layers.0." in name else three[name] * 2.0)


def test_a_tensor_in_no_group_is_refused_by_name(folders: list[Path]) -> None:
    lonely = Recipe(BASE, BASIS, (TensorGroup((1.0, 0.0, 0.0), ("base_model.model.model.layers.0.",)),))
    with pytest.raises(BadInputError, match=r"layers\.1\..*is in no coefficient group \(base_model"):
        list(combine.combine_tensors(lonely, folders))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_the_sum_is_cast_once_at_the_end(folders: list[Path], tmp_path: Path, dtype: str) -> None:
    exact = dict(combine.combine_tensors(build_mixture(BASE, BASIS, (0.5, 0.25, 0.25)), folders))
    combine.write(build_mixture(BASE, BASIS, (0.5, 0.25, 0.25), dtype), folders, tmp_path / "out")
    found = load_file(tmp_path / "out" / adapter.WEIGHTS_FILE)
    assert all(torch.equal(found[name], exact[name].to(getattr(torch, dtype))) for name in exact)
    assert all(tensor.dtype is torch.float32 for tensor in adapter.load(tmp_path / "out").values())


@pytest.mark.parametrize(("weights", "dtype"), [((1e6, 0.0, 0.0), "float16"), ((3e38, 3e38, -3e38), "float32")])
def test_a_sum_that_overflows_its_dtype_is_refused(
    make_adapter: Callable[..., Path], tiny_base: Path, weights: tuple[float, ...], dtype: str
) -> None:
    large = [make_adapter(tiny_base, seed, size=10.0) for seed in (1, 2, 3)]
    with pytest.raises(BadInputError, match="NaN or infinity"):
        list(combine.combine_tensors(build_mixture(BASE, BASIS, weights, dtype), large))


def test_an_unknown_dtype_is_refused_with_those_that_there_are(folders: list[Path]) -> None:
    with pytest.raises(BadInputError, match=r"'int4'.*float32, bfloat16, float16"):
        list(combine.combine_tensors(build_mixture(BASE, BASIS, (1.0, 0.0, 0.0), "int4"), folders))


def test_writing_again_verifies_and_a_changed_file_is_found_out(folders: list[Path], tmp_path: Path) -> None:
    recipe, out = build_mixture(BASE, BASIS, (0.2, 0.3, 0.5)), tmp_path / "out"
    combine.write(recipe, folders, out)
    before = (out / adapter.WEIGHTS_FILE).stat().st_mtime_ns
    combine.write(recipe, folders, out)
    assert (out / adapter.WEIGHTS_FILE).stat().st_mtime_ns == before
    data = bytearray((out / adapter.WEIGHTS_FILE).read_bytes())
    data[-1] ^= 1
    (out / adapter.WEIGHTS_FILE).write_bytes(data)
    with pytest.raises(CorruptError):
        combine.write(recipe, folders, out)


def test_adapters_that_cannot_be_added_are_refused_before_anything_is_written(
    folders: list[Path], tiny_base: Path, make_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    odd = make_adapter(tiny_base, rank=2)
    with pytest.raises(BadInputError, match=f"{odd}: rank 2"):
        combine.write(build_mixture(BASE, BASIS[:2], (0.5, 0.5)), [folders[0], odd], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_tensors_come_one_by_one_and_not_after_the_last_is_summed(folders: list[Path]) -> None:
    odd = Recipe(BASE, BASIS, (TensorGroup((1.0, 0.0, 0.0), ("base_model.model.model.layers.0.",)),))
    tensors = combine.combine_tensors(odd, folders)
    assert ".layers.0." in next(tensors)[0]
    with pytest.raises(BadInputError):
        list(tensors)


@pytest.mark.parametrize("merge", [Merge.ELEMENTWISE, Merge.EXACT])
def test_recipes_written_side_by_side_are_those_written_one_by_one(
    folders: list[Path], tmp_path: Path, merge: Merge
) -> None:
    # With k = 0 and k = 1 terms are missing: those recipes are not summed in one call with the others.
    groups = [(TensorGroup((0.1 * k, 1.0 - k, 0.9 * k)),) for k in range(5)]
    recipes = [Recipe(BASE, BASIS, group, merge=merge) for group in groups]
    outs = [tmp_path / f"beside{k}" for k in range(5)]
    combine.write_many(recipes, folders, outs)
    found = [export.digest(out) for out in outs]
    for k, recipe in enumerate(recipes):
        combine.write(recipe, folders, tmp_path / f"alone{k}")
        assert export.digest(tmp_path / f"alone{k}") == found[k]
    assert len(set(found)) == 5


def test_a_tensor_of_many_blocks_is_the_sum_that_torch_takes(
    make_base: Callable[..., Path], make_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    base, targets = make_base(hidden=1024), ("q_proj",)
    wide = [make_adapter(base, seed, rank=72, targets=targets) for seed in (1, 2)]  # 2.25 blocks
    recipes = [build_mixture(BASE, BASIS[:2], (0.3, 0.7)), build_mixture(BASE, BASIS[:2], (-1.1, 2.1))]
    combine.write_many(recipes, wide, [tmp_path / "one", tmp_path / "two"])
    one, two = (load_file(folder / adapter.WEIGHTS_FILE) for folder in wide)
    for recipe, out in zip(recipes, ("one", "two"), strict=True):
        (first, second), found = recipe.groups[0].coefficients, load_file(tmp_path / out / adapter.WEIGHTS_FILE)
        assert all(torch.equal(found[name], one[name] * first + two[name] * second) for name in one)


def test_side_by_side_a_recipe_that_cannot_be_written_leaves_no_folder_at_all(
    folders: list[Path], tmp_path: Path
) -> None:
    recipes = [build_mixture(BASE, BASIS, (0.5, 0.5, 0.0)), build_mixture(BASE, BASIS, (1e38, 1e38, 1e38), "float16")]
    with pytest.raises(BadInputError, match=f"recipe {recipes[1].name[:12]}.*NaN or infinity"):
        combine.write_many(recipes, folders, [tmp_path / "good", tmp_path / "bad"])
    assert not list(tmp_path.iterdir())


def test_side_by_side_recipes_and_folders_come_in_pairs(folders: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="shorter"):
        combine.write_many([build_mixture(BASE, BASIS, (1.0, 0.0, 0.0))] * 2, folders, [tmp_path / "out"])
    assert not list(tmp_path.iterdir())


def test_side_by_side_recipes_are_merged_in_one_way(folders: list[Path], tmp_path: Path) -> None:
    group = (TensorGroup((1.0, 0.0, 0.0)),)
    recipes = [Recipe(BASE, BASIS, group), Recipe(BASE, BASIS, group, merge=Merge.EXACT)]
    with pytest.raises(ValueError, match="different kinds of merge"):
        combine.write_many(recipes, folders, [tmp_path / "one", tmp_path / "two"])
    assert not list(tmp_path.iterdir())
