"""Converts times between RFC 3339 in UTC, as Kubernetes writes them, and seconds since 1970-01-01 UTC."""

from datetime import UTC, datetime


def parse(written: object) -> float | None:
    """Seconds since 1970-01-01 UTC. None if `written` is no time that can be read."""
    if not isinstance(written, str):
        return None
    try:
        read = datetime.fromisoformat(written)
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def format_time(moment: float) -> str:
    """`moment` in RFC 3339 with whole seconds, rounded down."""
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
