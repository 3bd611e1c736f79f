"""Formats the usage of a run: as JSON for programs and as one line for people."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from swarm_core.usage import Usage

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
KILO = 1000


def to_json(usage: Usage) -> dict[str, Json]:
    """Return the usage as `result.json` holds it, in seconds and bytes. Figures without data are null."""
    return {
        "requests": usage.requests,
        "failed": usage.failed,
        "retries": usage.retries,
        "cached": usage.cached,
        "promptTokens": usage.prompt_tokens,
        "tokens": usage.tokens,
        "thinkingTokens": usage.thinking_tokens,
        "seconds": round(usage.seconds, 3),
        "tokensPerSecond": round_to_digits(usage.tokens_per_second()),
        "latency": {
            "p50": round_to_digits(usage.latency_quantile(0.5)),
            "p95": round_to_digits(usage.latency_quantile(0.95)),
        },
        "unscored": {str(reason): count for reason, count in usage.unscored},
        "store": {"bytesUp": usage.bytes_written, "bytesDown": usage.bytes_read},
    }


def round_to_digits(value: float | None) -> float | None:
    """Round to four significant digits: the buckets of latencies are no finer."""
    return None if value is None else float(f"{value:.4g}")


def format_line(usage: Mapping[str, Any]) -> str:
    """Format the result of `to_json` on one line."""
    return "; ".join(format_parts(usage))


def format_parts(usage: Mapping[str, Any]) -> Iterator[str]:
    """Yield the parts of the line. Counts of 0 are left out, except requests."""
    yield f"{usage['requests']:,} requests"
    for name, label in (("failed", "failed"), ("retries", "sent again"), ("cached", "from the cache")):
        if usage[name]:
            yield f"{usage[name]:,} {label}"
    latency, rate = usage["latency"], usage["tokensPerSecond"]
    if latency["p50"] is not None:
        yield f"answered within {format_seconds(latency['p50'])} (half), {format_seconds(latency['p95'])} (95 %)"
    if rate is not None:
        yield f"{rate:,.0f} tok/s"
    yield from (f"{count:,} unscored {reason}" for reason, count in usage["unscored"].items())
    yield f"store {format_size(usage['store']['bytesUp'])} up, {format_size(usage['store']['bytesDown'])} down"


def format_seconds(value: float) -> str:
    """Format seconds as `80 ms` or `1.2 s`."""
    return f"{value * KILO:.0f} ms" if value < 1 else f"{value:.1f} s"


def format_size(count: int) -> str:
    """Format bytes as `870 B` or `1.2 MB`, in decimal units."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < KILO:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
        value /= KILO
    return f"{value:.1f} GB"
