"""The estimate of costs, against values computed by hand."""

import pytest

from swarm_core import costs
from swarm_core.costs import MemoryNeed, ModelSize, Writer

SIZE = ModelSize(
    parameters=1_000, stored_bytes=2_000, cached_numbers=64, widths=(("k_proj", 60), ("q_proj", 80), ("up_proj", 90))
)


def test_tokens_are_requests_times_their_limits() -> None:
    generators, takers = Writer(10, 512), Writer(200, 64)
    assert (generators.written, takers.written) == (5_120, 12_800)
    assert costs.limit_read_tokens((generators, takers), 1_024) == 10 * 512 + 200 * 960


def test_a_reply_longer_than_the_model_leaves_nothing_to_read() -> None:
    assert costs.limit_read_tokens([Writer(3, 100)], 64) == 0


def test_hours_are_tokens_by_rate() -> None:
    assert costs.estimate_hours(7_200_000, 1_000.0) == pytest.approx(2.0)


def test_an_adapter_has_rank_numbers_for_each_input_and_output_of_its_modules() -> None:
    assert costs.count_adapter_numbers(SIZE, 4, ("q_proj", "k_proj")) == 4 * (80 + 60)
    assert costs.count_adapter_numbers(SIZE, 4, ("absent",)) == 0


@pytest.mark.parametrize(("dtype", "width"), [("float32", 4), ("bfloat16", 2), ("float16", 2)])
def test_memory_is_numbers_times_their_width(dtype: str, width: int) -> None:
    found = costs.estimate_memory(SIZE, dtype, texts=8, max_model_len=100, adapters=3, adapter_numbers=560)
    assert found == MemoryNeed(weights=1_000 * width, cache=64 * 8 * 100 * width, adapters=3 * 560 * width)


def test_what_is_not_known_stays_unknown() -> None:
    silent = ModelSize(1_000, 2_000, None, ())
    found = costs.estimate_memory(silent, "bfloat16", 8, 100, 3, None)
    assert (found.weights, found.cache, found.adapters) == (2_000, None, None)
