"""Times as Kubernetes writes them, RFC 3339 in UTC, and as the engine counts them, seconds since 1970-01-01 UTC."""

from datetime import UTC, datetime


def parse(written: object) -> float | None:
    """The time in `format_time`; None where there is none, or none that can be read."""
    if not isinstance(written, str):
        return None
    try:
        read = datetime.fromisoformat(written)
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def format_time(moment: float) -> str:
    """`moment` in whole seconds, rounded down."""
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
