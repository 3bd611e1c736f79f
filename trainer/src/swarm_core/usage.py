"""What it took: requests, tokens, time and bytes, as a value that adds up.

Effort is of the work that was done, not of the result: a piece that was done twice, because a process died in between,
took twice as much. It belongs to no experiment and is part of no digest.

Latencies are counted in buckets that grow by a quarter of an octave, so percentiles add up too, to within 9 %.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

BUCKETS_PER_OCTAVE = 4
"""Buckets from a duration to its double."""
MIN_SECONDS = 1e-4
"""Seconds; what is shorter counts as this long."""
Histogram = tuple[tuple[Any, int], ...]
"""How often by what, in order."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What some work took. The sum of none is `Effort()`."""

    requests: int = 0
    """Requests put to engines; one that was sent again counts once, an answer that was kept not at all."""
    failed: int = 0
    """Requests that brought nothing."""
    retries: int = 0
    """Times that a request was sent again."""
    cached: int = 0
    """Requests that an answer was kept for."""
    prompt_tokens: int = 0
    """Tokens of prompts, where a server counts them."""
    tokens: int = 0
    """Tokens generated."""
    seconds: float = 0.0
    """Time in which anything was being asked for, on the clock on the wall."""
    latencies: Histogram = ()
    """Requests answered, by the bucket of the time that took."""
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

    def rate(self) -> float | None:
        """Tokens generated in a second; None where nothing was asked for."""
        return self.tokens / self.seconds if self.seconds > 0 else None

    def latency_quantile(self, share: float) -> float | None:
        """The time in seconds within which `share` of the answers came; None where there are none."""
        wanted, seen = share * sum(count for _, count in self.latencies), 0
        for bucket, count in self.latencies:
            seen += count
            if seen >= wanted:
                return float(2.0 ** ((bucket - 0.5) / BUCKETS_PER_OCTAVE))
        return None

    def to_fields(self) -> dict[str, Any]:
        """As JSON values; `from_fields` takes them back."""
        return {field.name: getattr(self, field.name) for field in USAGE_FIELDS}

    @classmethod
    def from_fields(cls, values: Mapping[str, Any]) -> "Usage":
        """Raises TypeError for what `to_fields` did not give."""
        return cls(**{name: to_tuples(value) for name, value in values.items()})


NO_USAGE = Usage()
USAGE_FIELDS = fields(Usage)


def to_tuples(value: Any) -> Any:
    """JSON's lists as the tuples they were."""
    return tuple(map(tuple, value)) if isinstance(value, list | tuple) else value


def add(first: Any, second: Any) -> Any:
    """Numbers added, counts by what they count."""
    if not isinstance(first, tuple):
        return first + second
    return merge_counts([*first, *second])


def merge_counts(pairs: Iterable[tuple[Any, int]]) -> Histogram:
    """Counts in order, those of the same thing as one."""
    total: Counter[Any] = Counter()
    for what, count in pairs:
        total[what] += count
    return tuple(sorted(total.items()))


def latency_bucket(seconds: float) -> int:
    """The bucket of a duration: those of `b` are longer than 2 ** ((b - 1) / 4) seconds, up to 2 ** (b / 4)."""
    return math.ceil(BUCKETS_PER_OCTAVE * math.log2(max(seconds, MIN_SECONDS)))
