"""Usage adds up, in any order and however it is cut, percentiles included."""

import json
import random
from functools import reduce
from itertools import pairwise
from operator import add

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core.usage import BUCKETS_PER_OCTAVE, NO_USAGE, Usage, latency_bucket, merge_counts

usages = st.builds(
    Usage,
    requests=st.integers(0, 10**6),
    retries=st.integers(0, 99),
    tokens=st.integers(0, 10**9),
    seconds=st.integers(0, 10**6).map(float),
    latencies=st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 9)), max_size=5).map(merge_counts),
    unscored=st.lists(st.tuples(st.sampled_from(["Refused", "Unreadable"]), st.integers(1, 9))).map(merge_counts),
    bytes_written=st.integers(0, 10**12),
)


@given(usages, usages, usages)
def test_usage_adds_up_whatever_the_order(a: Usage, b: Usage, c: Usage) -> None:
    assert (a + b) + c == a + (c + b)
    assert a + NO_USAGE == a


@given(usages)
def test_usage_survives_json(usage: Usage) -> None:
    assert Usage.from_fields(json.loads(json.dumps(usage.to_fields()))) == usage


@given(st.floats(1e-3, 1e4))
def test_a_bucket_holds_durations_within_a_quarter_of_an_octave(seconds: float) -> None:
    top = 2 ** (latency_bucket(seconds) / BUCKETS_PER_OCTAVE)
    assert top * 2 ** (-1 / BUCKETS_PER_OCTAVE) * 0.999 < seconds <= top * 1.001


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_a_percentile_of_sums_is_that_of_all_within_nine_percent(share: float) -> None:
    drawn = random.Random(4)
    durations = sorted(drawn.lognormvariate(-1, 1) for _ in range(4001))
    parts = [Usage(latencies=((latency_bucket(one), 1),)) for one in drawn.sample(durations, 4001)]
    assert reduce(add, parts, NO_USAGE).latency_quantile(share) == pytest.approx(durations[int(share * 4000)], rel=0.1)


def test_percentiles_grow_with_the_share_and_a_rate_is_per_second_of_asking() -> None:
    usage = Usage(tokens=50, seconds=2.0, latencies=((-4, 8), (0, 1), (4, 1)))
    found = [usage.latency_quantile(share) or 0.0 for share in (0.1, 0.5, 0.85, 0.95)]
    assert all(low <= high for low, high in pairwise(found))
    assert found[0] == found[1] < found[2] < found[3]
    assert usage.tokens_per_second() == 25.0


def test_what_rests_on_nothing_is_no_number() -> None:
    assert (NO_USAGE.latency_quantile(0.5), NO_USAGE.tokens_per_second()) == (None, None)
