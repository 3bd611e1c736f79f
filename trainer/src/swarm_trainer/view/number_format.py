"""Formats numbers for people."""

import math


def format_duration(seconds: float) -> str:
    """Format seconds as `8s`, `1m20s` or `2h05m`: at most two units, rounded down. Negative values give `0s`."""
    whole = max(0, math.floor(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes_rest = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes_rest:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


def format_rate(per_second: float) -> str:
    """Format tokens per second as `870 tok/s` or `3.1k tok/s`."""
    return f"{per_second / 1000:.1f}k tok/s" if per_second >= 1000 else f"{per_second:.0f} tok/s"


def format_fitness(number: float | None) -> str:
    """Format a fitness with three decimals, and a missing one as a dash."""
    return "-" if number is None else f"{number:.3f}"


def format_best(number: float | None, initial: float | None) -> str:
    """Format the best fitness and, if both values are known, its difference to the best initial one."""
    if number is None or initial is None:
        return format_fitness(number)
    return f"{number:.3f} ({number - initial:+.3f})"
