"""Exactness: whether a number that somebody wrote counts as a value.

`Exact` accepts only the value itself. `Decimal` also accepts a decimal of a value that no finite decimal equals, such
as 10/3, if both rules hold, where `places` is the setting:

1. Every decimal place it has is right: it is the value rounded to its own number of places, or cut there.
2. It is the value to `places` places: it differs by at most half a unit of that place. If the value is below 1, the
   places count from its first digit that is not zero.

So with `places` = 2, `3.33`, `3.333` and `3.34`: the first two count as 10/3, and the third does not. `3.3` has too few
places. `0.033` counts as 1/30, and `0.03` does not. `0.67` and `0.666` count as 2/3, and `0.66` does not. `0.13` does
not count as 1/8, because 0.125 can be written out. A decimal before three dots (`3.33...`) is read in the same way.
"""

from enum import StrEnum
from fractions import Fraction

from swarm_core.judges.numerals import Numeral
from swarm_core.judges.stated_answer import StatedAnswer


class Exactness(StrEnum):
    """The rules by which an answer counts as the value."""

    EXACT = "Exact"
    """Only the value itself."""
    DECIMAL = "Decimal"
    """Also a rounded decimal, if no finite decimal equals the value."""


def is_right(answer: StatedAnswer, value: Fraction, exactness: Exactness, places: int) -> bool:
    """Return whether `answer` counts as `value`."""
    number, other = answer.number, answer.approximation
    if number is None or (other is not None and not (other.value == number.value or is_rounded(other, number.value))):
        return False
    if number.value == value and not number.cut:
        return True
    return exactness is Exactness.DECIMAL and is_decimal_of(number, value, places)


def is_decimal_of(number: Numeral, value: Fraction, places: int) -> bool:
    """Return whether `number` is a right decimal, of at least `places` places, of a value with endless decimals."""
    if is_finite(value) or not is_rounded(number, value):
        return False
    wanted = places + count_leading_zeros(value)
    return (number.places or 0) >= wanted and abs(number.value - value) <= Fraction(1, 2 * 10**wanted)


def is_rounded(number: Numeral, value: Fraction) -> bool:
    """Return whether `number` is `value` rounded to the places of `number`, or cut there."""
    if number.places is None:
        return False
    unit = Fraction(10) ** -number.places
    is_cut = abs(number.value) <= abs(value) and number.value * value >= 0
    return abs(number.value - value) < unit if is_cut else abs(number.value - value) <= unit / 2


def is_finite(value: Fraction) -> bool:
    """Return whether a finite decimal equals `value`."""
    below = value.denominator
    for prime in (2, 5):
        while below % prime == 0:
            below //= prime
    return below == 1


def count_leading_zeros(value: Fraction) -> int:
    """Return the number of zeros after the decimal point and before the first other digit of `value`, which is not
    0."""
    zeros = 0
    while abs(value) * 10 ** (zeros + 1) < 1:
        zeros += 1
    return zeros
