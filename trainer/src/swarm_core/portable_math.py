"""exp, ln and the sigmoid that give the same float on every machine. Those of `math` differ in the last bit between C
libraries.

They are computed in decimal with more digits than a float has, and then rounded. A call takes a few microseconds.
"""

from decimal import Context, Decimal

_DIGITS = Context(prec=30)
"""A float has 17 digits. The others make an incorrect rounding unlikely. The result is the same everywhere in any case.
"""


def exp(x: float) -> float:
    """e to the power of x."""
    return float(Decimal(x).exp(_DIGITS))


def ln(x: float) -> float:
    """Return the natural logarithm of x. Raises ValueError unless `x` is above 0."""
    if not x > 0:
        raise ValueError(f"ln of {x!r}: it must be above 0")
    return float(Decimal(x).ln(_DIGITS))


def sigmoid(x: float) -> float:
    """Return 1 / (1 + e^-x), in [0, 1]."""
    small = exp(-abs(x))
    return 1 / (1 + small) if x >= 0 else small / (1 + small)
