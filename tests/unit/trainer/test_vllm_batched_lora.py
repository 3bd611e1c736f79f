"""What adapters add to a batch: to every row its own adapter's part, to a row without one nothing."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from swarm_trainer.inference import vllm_batched_lora

PLACES, RANK, WIDTH, SLICES = 3, 4, 8, (6, 2)
OWN = torch.tensor([2, -1, 0, 0, 1, -1, 2])


@pytest.fixture
def factors() -> tuple[list[Tensor], list[Tensor]]:
    draw = torch.Generator().manual_seed(0)
    firsts = [torch.randn(PLACES, 1, RANK, WIDTH, generator=draw) for _ in SLICES]
    return firsts, [torch.randn(PLACES, 1, size, RANK, generator=draw) for size in SLICES]


def batch(rows: int = len(OWN)) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(1)
    return torch.randn(rows, sum(SLICES), generator=draw), torch.randn(rows, WIDTH, generator=draw)


def expected(y: Tensor, x: Tensor, firsts: list[Tensor], seconds: list[Tensor], scale: float) -> Tensor:
    """Row by row."""
    found = y.clone()
    for row, place in enumerate(OWN.tolist()):
        if place >= 0:
            parts = [b[place, 0] @ (a[place, 0] @ x[row]) for a, b in zip(firsts, seconds, strict=True)]
            found[row] += scale * torch.cat(parts)
    return found


def test_every_row_gets_its_own_adapters_part(factors: tuple[list[Tensor], list[Tensor]]) -> None:
    y, x = batch()
    wanted = expected(y, x, *factors, 0.5)
    before = y.clone()
    vllm_batched_lora.add_lora(y, x, OWN, *factors, 0.5)
    torch.testing.assert_close(y, wanted)
    assert torch.equal(y[OWN < 0], before[OWN < 0])


def test_what_overflows_at_another_place_harms_nobody(factors: tuple[list[Tensor], list[Tensor]]) -> None:
    y, x = batch()
    wanted = expected(y, x, *factors, 1.0)
    factors[0][0][1] = 3e38
    vllm_batched_lora.add_lora(y, x, OWN, *factors, 1.0)
    theirs = OWN != 1
    torch.testing.assert_close(y[theirs], wanted[theirs])


def test_half_precision_stays_what_it_is(factors: tuple[list[Tensor], list[Tensor]]) -> None:
    halves = [[factor.bfloat16() for factor in side] for side in factors]
    y, x = (one.bfloat16() for one in batch())
    wanted = expected(y.float(), x.float(), *([factor.float() for factor in side] for side in halves), 1.0)
    vllm_batched_lora.add_lora(y, x, OWN, *halves, 1.0)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), wanted, atol=0.05, rtol=0.01)


@pytest.mark.parametrize(
    ("rows", "most", "more", "ours"),
    [(7, 32, {}, True), (2, 32, {}, False), (7, 2, {}, False), (7, 32, {"add_inputs": False}, False)],
    ids=["a batch", "fewer rows than places", "too many places", "something else is asked"],
)
def test_what_is_not_worth_it_is_left_to_vllm(
    factors: tuple[list[Tensor], list[Tensor]],
    monkeypatch: pytest.MonkeyPatch,
    rows: int,
    most: int,
    more: dict[str, Any],
    ours: bool,
) -> None:
    monkeypatch.setattr(vllm_batched_lora, "MAX_ADAPTERS", most)
    asked: list[dict[str, Any]] = []
    method = vllm_batched_lora.wrap_add_lora_linear(lambda *_, **more: asked.append(more))
    wrapper = SimpleNamespace(is_prefill=True, no_lora=False, token_lora_indices=OWN[:rows])
    y, x = batch(rows)
    before = y.clone()
    method(wrapper, y, x, *factors, 1.0, SLICES, **more)
    assert asked == ([] if ours else [more])
    assert torch.equal(y, before) is not ours


def test_a_batch_without_adapters_costs_nothing(factors: tuple[list[Tensor], list[Tensor]]) -> None:
    y, x = batch()
    before = y.clone()
    wrapper = SimpleNamespace(is_prefill=True, no_lora=True)
    vllm_batched_lora.wrap_add_lora_linear(lambda *_, **__: pytest.fail("asked"))(wrapper, y, x, *factors, 1.0, SLICES)
    assert torch.equal(y, before)
