"""The verifier for numbers: it compares the number of the answer with the number of the item's reference.

The reference and the answer are read in the same way (`swarm_core.judges.stated_answer`). So a reference may be a
number (`72`), or a worked solution that ends in one (`... #### 72`). The answer is right if it counts as the value
(`swarm_core.judges.exactness`), or if it is within `tolerance`. A sign of percent may be missing or added, because a
question for a percentage has it in its text: `50%` and `50` are one answer.

Limits: the reference is a claim of its source, and it is taken as exact: `3.33` does not mean 10/3. Units are not
compared, and numbers in words are not read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from pydantic import Field

from swarm_core.blocks.scalars import Integer, Number
from swarm_core.blocks.settings import Settings
from swarm_core.items import Item
from swarm_core.judges.exactness import Exactness
from swarm_core.judges.number_score import DOUBTFUL_SEPARATOR, NumberRule, score_number
from swarm_core.judges.numerals import Numeral
from swarm_core.judges.stated_answer import UnreadableError, find_stated_answer
from swarm_core.judges.stated_text import NO_REFERENCE
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason
from swarm_core.ports import Reply, Request


class NoNumberError(ValueError):
    """The reference of an item states no clear number. The message gives the reason."""


class NumberSettings(Settings):
    """The rule by which a number in an answer counts as the number of the reference."""

    exactness: Exactness = Exactness.DECIMAL
    """Rule for references that no finite decimal equals, such as 10/3. Exact: only the value itself counts. Decimal: a
    decimal also counts if each of its places is right and it has enough places."""
    decimal_places: Integer = Field(2, ge=1, le=15)
    """Number of decimal places that such a decimal needs. If the value is below 1, they count from its first digit that
    is not zero."""
    tolerance: Number = Field(0.0, ge=0, le=0.5)
    """Maximum difference from the reference that counts as right, as a share of the reference: 0.01 is one percent."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = (
        {"exactness": "Exact"},
        {"tolerance": 0.01, "decimalPlaces": 3},
    )


@dataclass(frozen=True, slots=True)
class NumberJudge:
    """Compares the number of an answer with the number of the item's reference. It makes no requests."""

    revision: ClassVar[int] = 2
    settings: ClassVar[type[NumberSettings]] = NumberSettings

    rule: NumberRule

    @classmethod
    def from_settings(cls, settings: NumberSettings) -> "NumberJudge":
        """Return the verifier with these rules."""
        tolerance = Fraction(str(settings.tolerance))
        return cls(NumberRule(settings.exactness, settings.decimal_places, tolerance, optional_percent=True))

    def refusal(self, item: Item) -> str | None:
        """Return the reason why the reference of `item` is not a number; None if it is one."""
        try:
            read_reference(item)
        except NoNumberError as error:
            return str(error)
        return None

    def solution(self, item: Item) -> str | None:
        """Return the number of the reference, such as `-3` or `10/3`; None if `refusal` refuses the item."""
        return None if self.refusal(item) else str(read_reference(item).value)

    def requests(self, item: Item, answer: str) -> tuple[Request, ...]:
        """No requests, because numbers are compared."""
        return ()

    def score(self, item: Item, answer: str, replies: Sequence[Reply]) -> Score:
        """1.0 if the number that the answer states counts as that of the reference, else 0.0.

        A blank answer is wrong. Unscored: UNREADABLE if the answer states no number or no clear one, or one that is
        right in another country's convention only, and JUDGE_FAILED if `refusal` refuses the item.
        """
        try:
            reference = read_reference(item)
        except NoNumberError as error:
            return Unscored(UnscoredReason.JUDGE_FAILED, str(error))
        found = max((score_number(answer, value, self.rule) for value in list_values(reference)), key=rank_score)
        if found == 0.0 and reference.other is not None and score_number(answer, reference.other, self.rule) == 1.0:
            return Unscored(UnscoredReason.UNREADABLE, DOUBTFUL_SEPARATOR)
        return found


def read_reference(item: Item) -> Numeral:
    """Return the number of the reference of `item`. Raises NoNumberError if it states none, or no clear one."""
    if item.reference is None:
        raise NoNumberError(NO_REFERENCE)
    try:
        stated = find_stated_answer(item.reference)
    except UnreadableError as error:
        raise NoNumberError(f"its reference {item.reference[:40]!r} is no number: {error}") from error
    if stated.number is None or stated.number.cut:
        raise NoNumberError(f"its reference {item.reference[:40]!r} is not one whole number or decimal")
    return stated.number


def list_values(reference: Numeral) -> list[Fraction]:
    """Return the values that an answer may have: that of the reference, and that without its sign of percent."""
    percent = reference.before_percent
    return [reference.value] if percent is None else [reference.value, percent]


def rank_score(score: Score) -> float:
    """Return the order in which scores count: a right answer first, then one that cannot be read, then a wrong one."""
    return 0.5 if isinstance(score, Unscored) else score
