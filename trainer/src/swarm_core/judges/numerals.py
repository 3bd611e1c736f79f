"""Numerals: the value of one written number, in the conventions of several countries.

The text is in plain characters (`swarm_core.judges.plain_math`). A numeral is read whole or not at all, so the tail of
a number is never taken for a number.

| form | value |
|---|---|
| `9,500` `1,234,567.5` | groups of three after commas; the point is the decimal mark |
| `9.500,25` `1.234.567` | groups of three after points, if a comma or a second point shows it |
| `1.234` `9.500` | a single point is the decimal mark: 1.234 and 9.5 |
| `3,5` `12,34` `0,125` `1234,567` | a single comma that cannot group is the decimal mark |
| `9 500` `9'500` `9_500` | groups of three, with either decimal mark |
| `1,00,00,000` | Indian groups: two digits each, and three at the end |
| `3/4` `-1/3` | a fraction in lowest terms, with a denominator above 1 |
| `3 1/3` `3\\frac{1}{3}` | a mixed number |
| `3.(3)` `3.\\overline{3}` | a decimal that repeats |
| `4.6e1` `4.6 * 10^{1}` `10^4` | powers of ten |
| `50%` | one half |

`1,234` is 1234 and `1.234` is 1.234. `Numeral.other` has the other reading, for those who must not count it as wrong.

Limits: `MAX_DIGITS` and `MAX_EXPONENT` bound time and memory.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd

MAX_DIGITS = 1000
"""Maximum number of digits of a number in an answer. No value of an item has half as many."""
MAX_EXPONENT = 400
"""Maximum size of a power of ten."""

RUN = r"[0-9]+(?:(?:[.,'_]|(?:[ ](?=[0-9]{3}(?![0-9]))))[0-9]+)*"
"""A run of digits with everything that may separate the digits of one number."""
FRACTION = (
    rf"\\frac[ ]?(?:\{{[ ]?(?P<@upper>-?[ ]?{RUN})[ ]?\}}|(?P<@upper_digit>[0-9]))"
    rf"[ ]?(?:\{{[ ]?(?P<@lower>-?[ ]?{RUN})[ ]?\}}|(?P<@lower_digit>[0-9]))"
)
"""A LaTeX fraction. `@` stands for the prefix of its group names."""
POWER = r"(?:\^|\*\*)[ ]?(?:\{[ ]?(?P<@power>[-+]?[0-9]{1,6})[ ]?\}|(?P<@power_bare>[-+]?[0-9]{1,6}(?![0-9])))"
NUMERAL = re.compile(
    rf"""
    (?:
      {FRACTION.replace("@", "")}
    | (?P<start>[0-9]+)\.(?P<fixed>[0-9]*)
      (?:\\(?:overline|bar|dot)[ ]?\{{?(?P<repeated>[0-9]+)\}}?|\((?P<period>[0-9]+)\))
    | (?P<run>{RUN}|(?<![0-9.])\.[0-9]+)
      (?:
        [eE](?P<e_power>[-+]?[0-9]{{1,6}})(?![0-9A-Za-z])
      | [ ]?[*xX][ ]?10[ ]?{POWER.replace("@", "ten_")}
      | [ ]?{POWER.replace("@", "own_")}
      | [ ]?(?:and[ ])?{FRACTION.replace("@", "mixed_")}
      | [ ](?:and[ ])?(?P<plain_upper>[0-9]+)[ ]?/[ ]?(?P<plain_lower>{RUN})
      | [ ]?/[ ]?(?P<below>-?{RUN})
      | (?P<dots>\.\.\.)
      )?
    )
    (?:[ ]?(?P<percent>%|per[ ]?cent\b|Prozent\b|pour[ ]cent\b|por[ ]ciento\b|‰))?
    """,
    re.VERBOSE,
)
"""One numeral. It takes in all digits that it touches, so what follows it is never the rest of a number."""

WHOLE = re.compile(r"(?P<whole>[0-9]+)")
POINT = re.compile(r"(?P<whole>[0-9]*)\.(?P<places>[0-9]+)")
COMMA = re.compile(r"(?P<whole>[0-9]+),(?P<places>[0-9]+)")
POINTS_AFTER_COMMAS = re.compile(r"(?P<whole>[1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.(?P<places>[0-9]+))?")
COMMA_AFTER_POINTS = re.compile(r"(?P<whole>[1-9][0-9]{0,2}(?:\.[0-9]{3})+),(?P<places>[0-9]+)")
SEVERAL_POINTS = re.compile(r"(?P<whole>[1-9][0-9]{0,2}(?:\.[0-9]{3}){2,})")
OTHER_GROUPS = re.compile(r"(?P<whole>[1-9][0-9]{0,2}([ '_])[0-9]{3}(?:\2[0-9]{3})*)(?:[.,](?P<places>[0-9]+))?")
INDIAN = re.compile(r"(?P<whole>[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3})(?:\.(?P<places>[0-9]+))?")
FORMS = (WHOLE, POINT, POINTS_AFTER_COMMAS, COMMA, COMMA_AFTER_POINTS, SEVERAL_POINTS, OTHER_GROUPS, INDIAN)
"""The forms of a run. The first that fits counts."""
AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
"""A number with one separator that groups in one convention and is the decimal mark in another."""
NOT_DIGITS = re.compile(r"[^0-9]+")


class NumeralError(ValueError):
    """The digits form no number in any convention, or no single one. The message gives the reason."""


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number as somebody wrote it."""

    value: Fraction
    places: int | None = None
    """Number of decimal places; negative for a whole number of tens. None if it is not a decimal and claims to be
    exact."""
    cut: bool = False
    """Whether three dots follow: its decimals go on."""
    other: Fraction | None = None
    """The value in the other convention, if two conventions read the number differently: 9500 for `9.500`."""
    before_percent: Fraction | None = None
    """The value without its sign of percent: 50 for `50%`. None if it has no such sign."""

    def negate(self) -> "Numeral":
        """Return the number with the other sign."""
        return replace(
            self,
            value=-self.value,
            other=None if self.other is None else -self.other,
            before_percent=None if self.before_percent is None else -self.before_percent,
        )


def parse_numeral(found: re.Match[str]) -> Numeral | None:
    """Return the number of a match of `NUMERAL`.

    None if no answer may have this form: too many digits, a fraction that is not in lowest terms, or a power of another
    base than ten. Raises NumeralError if the digits form no number.
    """
    if sum(map(str.isdecimal, found[0])) > MAX_DIGITS:
        return None
    parts = {name: text for name, text in found.groupdict().items() if text is not None}
    numeral = parse_fraction(parts) or parse_repeating(parts) or parse_mixed(parts) or parse_decimal(parts)
    if numeral is None or "percent" not in parts:
        return numeral
    share = shift_point(numeral, -3 if parts["percent"] == "‰" else -2)
    return None if share is None else replace(share, before_percent=numeral.value)


def parse_run(run: str) -> Numeral:
    """Return the decimal of a run. Raises NumeralError if it has no known form."""
    for form in FORMS:
        if found := form.fullmatch(run):
            parts = found.groupdict()
            whole, places = NOT_DIGITS.sub("", parts["whole"]), parts.get("places") or ""
            number = Numeral(Fraction(int(f"{whole}{places}"), 10 ** len(places)), len(places))
            if not AMBIGUOUS.fullmatch(run):
                return number
            return replace(number, other=number.value * Fraction(1000) ** (1 if places else -1))
    raise NumeralError(f"{run[:40]!r} is not a number in any convention")


def parse_fraction(parts: Mapping[str, str]) -> Numeral | None:
    """Return the number of `\\frac{a}{b}` or `a/b`; None if it is neither, or not in lowest terms."""
    upper = parts.get("upper") or parts.get("upper_digit")
    lower = parts.get("lower") or parts.get("lower_digit")
    if "below" in parts:
        upper, lower = parts["run"], parts["below"]
    return None if upper is None or lower is None else divide(upper, lower)


def divide(upper: str, lower: str) -> Numeral | None:
    """Return a fraction of two whole numbers in lowest terms; None for any other."""
    above, below = parse_signed(upper), parse_signed(lower)
    if above.denominator != 1 or below.denominator != 1 or abs(below) <= 1 or gcd(int(above), int(below)) != 1:
        return None
    return Numeral(above / below)


def parse_signed(run: str) -> Fraction:
    """Return the value of a run with an optional sign. Raises NumeralError."""
    value = parse_run(run.removeprefix("-").lstrip()).value
    return -value if run.startswith("-") else value


def parse_mixed(parts: Mapping[str, str]) -> Numeral | None:
    """Return the number of `3 1/3` or `3\\frac{1}{3}`; None if it is none, or its fraction is not proper."""
    upper = parts.get("mixed_upper") or parts.get("mixed_upper_digit") or parts.get("plain_upper")
    lower = parts.get("mixed_lower") or parts.get("mixed_lower_digit") or parts.get("plain_lower")
    if upper is None or lower is None:
        return None
    whole, rest = parse_run(parts["run"]).value, divide(upper, lower)
    if rest is None or whole.denominator != 1 or whole == 0 or not 0 < rest.value < 1:
        return None
    return Numeral(whole + rest.value)


def parse_repeating(parts: Mapping[str, str]) -> Numeral | None:
    """Return the number of `3.1(6)` or `3.1\\overline{6}`; None if it is none."""
    period = parts.get("repeated") or parts.get("period")
    if period is None:
        return None
    fixed = parts["fixed"]
    tail = Fraction(int(period), (10 ** len(period) - 1) * 10 ** len(fixed))
    return Numeral(Fraction(int(parts["start"] + fixed), 10 ** len(fixed)) + tail)


def parse_decimal(parts: Mapping[str, str]) -> Numeral | None:
    """Return the number of a decimal with an optional power of ten; None for another form or another power."""
    if "run" not in parts or parts.keys() & {"below", "plain_upper", "mixed_lower", "mixed_lower_digit"}:
        return None
    numeral = parse_run(parts["run"])
    own = parts.get("own_power") or parts.get("own_power_bare")
    if own is not None:
        return shift_point(Numeral(Fraction(1), 0), int(own)) if parts["run"] == "10" else None
    power = parts.get("e_power") or parts.get("ten_power") or parts.get("ten_power_bare") or "0"
    return shift_point(replace(numeral, cut="dots" in parts and numeral.places != 0), int(power))


def shift_point(numeral: Numeral, power: int) -> Numeral | None:
    """Return `numeral` times a power of ten; None if the power is too large."""
    if abs(power) > MAX_EXPONENT:
        return None
    places = None if numeral.places is None else numeral.places - power
    factor = Fraction(10) ** power
    other = None if numeral.other is None else numeral.other * factor
    return replace(numeral, value=numeral.value * factor, places=places, other=other)
