"""exp and ln that are the same float on every machine; those of `math` differ in the last bit between C libraries.

Computed in decimal to more digits than a float holds, then rounded. A few microseconds each.
"""

from decimal import Context, Decimal

_DIGITS = Context(prec=30)
"""A float holds 17; the rest makes a wrong rounding unlikely, and a different one impossible."""


def exp(x: float) -> float:
    return float(Decimal(x).exp(_DIGITS))


def ln(x: float) -> float:
    """Raises ValueError unless `x` is above 0."""
    if not x > 0:
        raise ValueError(f"ln of {x!r}: it must be above 0")
    return float(Decimal(x).ln(_DIGITS))
