"""What constants an optimizer takes: the check that each passes, and what a spec may write for it."""

from dataclasses import dataclass
from math import isfinite

from swarm_core.errors import BadInputError


@dataclass(frozen=True, slots=True)
class Constant:
    """What a spec says of one constant: an annotation of its field, from which the CRD is made.

    The limits are narrower than what can work: they keep a user from what nobody means.
    """

    description: str
    low: float
    high: float
    open_below: bool = False
    """Whether `low` itself is excluded."""


def require_range(what: str, value: float, low: float, high: float = float("inf"), *, open_below: bool = False) -> None:
    """Raises BadInputError unless `value` is a finite number from low (excluded if `open_below`) to high."""
    if isfinite(value) and low <= value <= high and not (open_below and value == low):
        return
    least = f"above {low:g}" if open_below else f"at least {low:g}"
    most = f" and at most {high:g}" if isfinite(high) else ""
    raise BadInputError(f"{what} is {value!r}: it must be {least}{most}")
