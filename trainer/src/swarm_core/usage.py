"""Usage: the requests, tokens, time and bytes of some work, as a value that can be added.

Usage counts all work that was done: work that was repeated after a process died counts twice. It belongs to no
experiment and is part of no digest.

Latencies are counted in a histogram whose buckets grow by a quarter of an octave. So quantiles of sums are accurate to
9%.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

BUCKETS_PER_OCTAVE = 4
"""The number of buckets from a duration to its double."""
MIN_SECONDS = 1e-4
"""The minimum duration in seconds. A shorter one counts as this long."""
Histogram = tuple[tuple[Any, int], ...]
"""Pairs of a bucket or reason and a count, sorted."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The usage of some work. The empty sum is `Usage()`."""

    requests: int = 0
    """Requests to engines. A request counts once, however often it is retried. An answer from the cache does not count.
    """
    failed: int = 0
    """Requests that failed."""
    retries: int = 0
    """Retries of requests."""
    cached: int = 0
    """Requests that were answered from the cache."""
    prompt_tokens: int = 0
    """Tokens of prompts, if the server counts them."""
    tokens: int = 0
    """Tokens generated."""
    thinking_tokens: int = 0
    """The part of `tokens` that was thinking: as told by servers, or estimated."""
    seconds: float = 0.0
    """Wall-clock time in seconds during which any request was in flight."""
    latencies: Histogram = ()
    """Answered requests by the bucket of their latency."""
    unscored: Histogram = ()
    """Missing scores by reason."""
    bytes_written: int = 0
    """Bytes written to the store."""
    bytes_read: int = 0
    """Bytes read from the store."""

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            **{field.name: add(getattr(self, field.name), getattr(other, field.name)) for field in USAGE_FIELDS}
        )

    def tokens_per_second(self) -> float | None:
        """Return the number of generated tokens per second; None if there were no requests."""
        return self.tokens / self.seconds if self.seconds > 0 else None

    def latency_quantile(self, share: float) -> float | None:
        """Return the latency in seconds that a `share` of the answers did not exceed; None if there are no answers."""
        wanted, total = share * sum(count for _, count in self.latencies), 0
        for bucket, count in self.latencies:
            total += count
            if total >= wanted:
                return float(2.0 ** ((bucket - 0.5) / BUCKETS_PER_OCTAVE))
        return None

    def to_fields(self) -> dict[str, Any]:
        """Return the fields as JSON values, which `from_fields` reads."""
        return {field.name: getattr(self, field.name) for field in USAGE_FIELDS}

    @classmethod
    def from_fields(cls, values: Mapping[str, Any]) -> "Usage":
        """Return the usage that `to_fields` wrote. Raises TypeError for an unknown field."""
        return cls(**{name: to_tuples(value) for name, value in values.items()})


NO_USAGE = Usage()
USAGE_FIELDS = fields(Usage)


def to_tuples(value: Any) -> Any:
    """`value` with JSON lists converted back to tuples."""
    return tuple(map(tuple, value)) if isinstance(value, list | tuple) else value


def add(first: Any, second: Any) -> Any:
    """Return the sum of two numbers, or the merged counts of two histograms."""
    if not isinstance(first, tuple):
        return first + second
    return merge_counts([*first, *second])


def merge_counts(pairs: Iterable[tuple[Any, int]]) -> Histogram:
    """Return the histogram of `pairs`, with equal keys merged."""
    total: Counter[Any] = Counter()
    for what, count in pairs:
        total[what] += count
    return tuple(sorted(total.items()))


def latency_bucket(seconds: float) -> int:
    """Return the bucket of a duration. Bucket b has durations in (2 ** ((b - 1) / 4), 2 ** (b / 4)] seconds."""
    return math.ceil(BUCKETS_PER_OCTAVE * math.log2(max(seconds, MIN_SECONDS)))
