"""Adapters that are merged without a search: by hand, and against peft."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import PeftModel, get_peft_model_state_dict
from peft.utils import merge_utils
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForCausalLM

from swarm_core.errors import BadInputError
from swarm_trainer.lora import adapter
from swarm_trainer.rivals import adapter_merging, dare_ties, slerp


@pytest.fixture(scope="module")
def folders(tiny_base: Path, make_adapter: Callable[..., Path]) -> list[Path]:
    return [make_adapter(tiny_base, seed) for seed in (1, 2)]


def test_the_middle_of_two_orthogonal_vectors_lies_on_the_arc() -> None:
    """sin(45°) / sin(90°) = 0.7071 of each; on the straight line it would be 0.5."""
    found = slerp.interpolate(torch.tensor([[2.0], [0.0]]), torch.tensor([[0.0], [4.0]]), 0.5)
    torch.testing.assert_close(found, torch.tensor([[1.41421356], [2.82842712]]))


def test_a_third_of_an_arc_of_sixty_degrees() -> None:
    """sin(40°) / sin(60°) = 0.74222716 and sin(20°) / sin(60°) = 0.39493084."""
    second = torch.tensor([0.5, 3**0.5 / 2])
    found = slerp.interpolate(torch.tensor([1.0, 0.0]), second, 1 / 3)
    torch.testing.assert_close(found, torch.tensor([0.74222716 + 0.5 * 0.39493084, 0.39493084 * 3**0.5 / 2]))
    assert float(torch.linalg.vector_norm(found)) == pytest.approx(1.0)


@pytest.mark.parametrize("second", [[3.0, 0.0], [0.0, 0.0], [-3.0, 0.0]], ids=["parallel", "zero", "opposite"])
def test_vectors_without_an_arc_between_them_are_interpolated_along_the_line(second: list[float]) -> None:
    found = slerp.interpolate(torch.tensor([1.0, 0.0]), torch.tensor(second), 0.25)
    torch.testing.assert_close(found, torch.tensor([0.75 + 0.25 * second[0], 0.0]))


def test_three_orthogonal_vectors_are_folded_by_halves_and_thirds_of_the_arc() -> None:
    found = slerp.fold(list(torch.eye(3)))
    torch.testing.assert_close(found, torch.tensor([0.75**0.5 * 0.5**0.5, 0.75**0.5 * 0.5**0.5, 0.5]))


def test_dare_ties_keeps_what_agrees_with_the_elected_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept and doubled: (4, -8, 0) and (4, 0, -4). The signs of the sums are +, -, -, so the means of what agrees are
    (4 + 4) / 2, -8 and -4."""
    masks = iter([torch.tensor([1.0, 1.0, 0.0]), torch.tensor([1.0, 0.0, 1.0])])
    monkeypatch.setattr(merge_utils.torch, "bernoulli", lambda _: next(masks))
    merged = dare_ties.merge_tensors([torch.tensor([2.0, -4.0, 6.0]), torch.tensor([2.0, 8.0, -2.0])], 0.5, 1)
    torch.testing.assert_close(merged, torch.tensor([4.0, -8.0, -4.0]))


def test_a_density_of_one_drops_nothing_and_the_signs_alone_decide() -> None:
    merged = dare_ties.merge_tensors([torch.tensor([2.0, -4.0, 6.0]), torch.tensor([4.0, 8.0, -2.0])], 1.0, 1)
    torch.testing.assert_close(merged, torch.tensor([3.0, 8.0, 6.0]))


def test_dropping_depends_on_the_seed_alone_and_leaves_the_generator_of_the_process() -> None:
    tensors = [torch.randn(8, 8, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2)]
    before = torch.get_rng_state()
    first, again, other = (dare_ties.merge_tensors(tensors, 0.5, seed) for seed in (5, 5, 6))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_merged_adapter_is_that_of_peft(
    tiny_base: Path, folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """peft gives its result a scale of 1 and puts the root of the adapters' scale into each factor."""

    def keep_every_third(density: Tensor) -> Tensor:
        return (torch.arange(density.numel()) % 3 == 0).float().view(density.shape)

    monkeypatch.setattr(merge_utils.torch, "bernoulli", keep_every_third)
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_base), folders[0], adapter_name="one")
    model.load_adapter(folders[1], adapter_name="two")
    model.add_weighted_adapter(["one", "two"], [1.0, 1.0], "both", combination_type="dare_ties", density=0.5)
    theirs = get_peft_model_state_dict(model, adapter_name="both")
    adapter_merging.write_merged(
        folders, lambda _, tensors: dare_ties.merge_tensors(tensors, 0.5, 1), tmp_path / "merged"
    )
    ours, scale = load_file(tmp_path / "merged" / adapter.WEIGHTS_FILE), adapter.read_signature(folders[0]).scale
    assert set(ours) == set(theirs)
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor * scale**0.5, theirs[name].detach())


def test_a_merged_adapter_is_an_ordinary_one_and_has_the_same_bytes_again(
    tiny_base: Path, folders: list[Path], tmp_path: Path
) -> None:
    for name in ("first", "second"):
        adapter_merging.write_merged(folders, lambda _, tensors: slerp.fold(tensors), tmp_path / name)
    first, second = ((tmp_path / name / adapter.WEIGHTS_FILE).read_bytes() for name in ("first", "second"))
    assert first == second
    assert adapter.check_base(tmp_path / "first", tiny_base) == adapter.read_signature(folders[0])
    one, two = (load_file(folder / adapter.WEIGHTS_FILE) for folder in folders)
    name, tensor = next(iter(load_file(tmp_path / "first" / adapter.WEIGHTS_FILE).items()))
    torch.testing.assert_close(tensor, slerp.interpolate(one[name], two[name], 0.5))


def test_a_merge_that_is_not_finite_is_refused_and_leaves_nothing(folders: list[Path], tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="NaN"):
        adapter_merging.write_merged(folders, lambda _, tensors: tensors[0] / 0, tmp_path / "merged")
    assert not list(tmp_path.iterdir())
