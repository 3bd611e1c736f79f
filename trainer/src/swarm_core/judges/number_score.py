"""The score of an answer that states a number, given the right value. Every verifier of numbers uses it.

Limits: it does not compare units. `5 km` and `5 m` state the same number.
"""

from dataclasses import dataclass
from fractions import Fraction

from swarm_core.judges.exactness import Exactness, is_right
from swarm_core.judges.stated_answer import UnreadableError, find_stated_answer
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason

DOUBTFUL_SEPARATOR = "the separator of the answer may group or be the decimal mark"


@dataclass(frozen=True, slots=True)
class NumberRule:
    """The rule by which a stated number counts as a value."""

    exactness: Exactness
    places: int
    """Number of decimal places that a decimal of an endless value needs (`swarm_core.judges.exactness`)."""


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
    if is_right(stated, value, rule.exactness, rule.places):
        return 1.0
    if stated.number is not None and stated.number.other == value:
        return Unscored(UnscoredReason.UNREADABLE, DOUBTFUL_SEPARATOR)
    return 0.0
