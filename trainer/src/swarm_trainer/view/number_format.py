"""Numbers as people read them."""

import math


def format_duration(seconds: float) -> str:
    """`8s`, `1m20s`, `2h05m`: two units at most, rounded down; negative counts as none."""
    whole = max(0, math.floor(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes_rest = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes_rest:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


def format_rate(per_second: float) -> str:
    """Tokens per second: `870 tok/s`, `3.1k tok/s`."""
    return f"{per_second / 1000:.1f}k tok/s" if per_second >= 1000 else f"{per_second:.0f} tok/s"


def format_fitness(number: float | None) -> str:
    """A fitness; a missing one is a dash, never a number."""
    return "-" if number is None else f"{number:.3f}"


def format_best(number: float | None, initial: float | None) -> str:
    """The best fitness with what it is above the best initial one, where both are known."""
    if number is None or initial is None:
        return format_fitness(number)
    return f"{number:.3f} ({number - initial:+.3f})"
