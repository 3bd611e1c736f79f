"""The score of an answer that states a number, given the right value. Every verifier of numbers uses it.

Limits: it does not compare units. `5 km` and `5 m` state the same number.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from swarm_core.judges.exactness import Exactness, is_right
from swarm_core.judges.numerals import Numeral
from swarm_core.judges.stated_answer import StatedAnswer, UnreadableError, find_stated_answer
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason

DOUBTFUL_SEPARATOR = "the separator of the answer may group or be the decimal mark"


@dataclass(frozen=True, slots=True)
class NumberRule:
    """The rule by which a stated number counts as a value."""

    exactness: Exactness
    places: int
    """Number of decimal places that a decimal of an endless value needs (`swarm_core.judges.exactness`)."""
    tolerance: Fraction = Fraction(0)
    """The relative difference from the value that still counts, at least 0."""
    optional_percent: bool = False
    """Whether a sign of percent may be missing or added: `50%` also counts as 50."""


def score_number(answer: str, value: Fraction, rule: NumberRule) -> Score:
    """Return 1.0 if the number that `answer` states counts as `value`, else 0.0.

    A blank answer is wrong. Unscored: UNREADABLE if the answer states no number or no clear one, or one that is right
    in another country's convention only.
    """
    if not answer.strip():
        return 0.0
    try:
        stated = find_stated_answer(answer)
    except UnreadableError as error:
        return Unscored(UnscoredReason.UNREADABLE, str(error))
    if any(counts(reading, value, rule) for reading in iterate_readings(stated, rule)):
        return 1.0
    if stated.number is not None and stated.number.other == value:
        return Unscored(UnscoredReason.UNREADABLE, DOUBTFUL_SEPARATOR)
    return 0.0


def iterate_readings(stated: StatedAnswer, rule: NumberRule) -> Iterator[StatedAnswer]:
    """The answer as stated, and without its sign of percent if `rule` lets it be left out."""
    yield stated
    if rule.optional_percent and stated.number is not None and stated.number.before_percent is not None:
        places = None if stated.number.places is None else stated.number.places - 2
        yield StatedAnswer(replace(stated.number, value=stated.number.before_percent, places=places))


def counts(stated: StatedAnswer, value: Fraction, rule: NumberRule) -> bool:
    """Return whether a stated answer counts as `value`."""
    near = stated.number is not None and is_near(stated.number, value, rule.tolerance)
    return near or is_right(stated, value, rule.exactness, rule.places)


def is_near(number: Numeral, value: Fraction, tolerance: Fraction) -> bool:
    """Return whether `number` differs from `value` by at most `tolerance` times `value`, if there is a tolerance."""
    return tolerance > 0 and abs(number.value - value) <= tolerance * abs(value)
