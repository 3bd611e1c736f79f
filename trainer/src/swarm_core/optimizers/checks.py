"""The constants of optimizers: their description and limits for a spec, and the check of their range."""

from dataclasses import dataclass
from math import isfinite

from swarm_core.errors import BadInputError


@dataclass(frozen=True, slots=True)
class Constant:
    """The description and the limits of one constant. It annotates a field, and the CRD is made from it.

    The limits are narrower than the range that works, so that they catch mistakes.
    """

    description: str
    low: float
    high: float
    open_below: bool = False
    """Whether `low` itself is excluded."""


def require_range(what: str, value: float, low: float, high: float = float("inf"), *, open_below: bool = False) -> None:
    """Raise BadInputError unless `value` is a finite number from low (excluded if `open_below`) to high."""
    if isfinite(value) and low <= value <= high and not (open_below and value == low):
        return
    least = f"above {low:g}" if open_below else f"at least {low:g}"
    most = f" and at most {high:g}" if isfinite(high) else ""
    raise BadInputError(f"{what} is {value!r}: it must be {least}{most}")
