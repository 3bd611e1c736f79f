"""What a run took, for machines and in a line for people."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from swarm_core.usage import Usage

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
KILO = 1000


def to_json(effort: Usage) -> dict[str, Json]:
    """The effort as `result.json` holds it; figures that rest on nothing are null. Seconds, bytes."""
    return {
        "requests": effort.requests,
        "failed": effort.failed,
        "retries": effort.retries,
        "cached": effort.cached,
        "promptTokens": effort.prompt_tokens,
        "tokens": effort.tokens,
        "seconds": round(effort.seconds, 3),
        "tokensPerSecond": round_to_digits(effort.rate()),
        "latency": {
            "p50": round_to_digits(effort.latency_quantile(0.5)),
            "p95": round_to_digits(effort.latency_quantile(0.95)),
        },
        "unscored": {str(reason): count for reason, count in effort.unscored},
        "store": {"bytesUp": effort.up, "bytesDown": effort.down},
    }


def round_to_digits(value: float | None) -> float | None:
    """Four digits: the buckets of latencies are no finer."""
    return None if value is None else float(f"{value:.4g}")


def format_line(account: Mapping[str, Any]) -> str:
    """What `to_json` gave, in one line."""
    return "; ".join(format_parts(account))


def format_parts(account: Mapping[str, Any]) -> Iterator[str]:
    yield f"{account['requests']:,} requests"
    for name, words in (("failed", "failed"), ("retries", "sent again"), ("cached", "answers kept before")):
        if account[name]:
            yield f"{account[name]:,} {words}"
    latency, rate = account["latency"], account["tokensPerSecond"]
    if latency["p50"] is not None:
        yield f"answered within {format_seconds(latency['p50'])} (half), {format_seconds(latency['p95'])} (95 %)"
    if rate is not None:
        yield f"{rate:,.0f} tok/s"
    yield from (f"{count:,} unscored {reason}" for reason, count in account["unscored"].items())
    yield f"store {format_size(account['store']['bytesUp'])} up, {format_size(account['store']['bytesDown'])} down"


def format_seconds(value: float) -> str:
    """`80 ms`, `1.2 s`."""
    return f"{value * KILO:.0f} ms" if value < 1 else f"{value:.1f} s"


def format_size(count: int) -> str:
    """`870 B`, `1.2 MB`: decimal, as disks and stores count."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < KILO:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
        value /= KILO
    return f"{value:.1f} GB"
