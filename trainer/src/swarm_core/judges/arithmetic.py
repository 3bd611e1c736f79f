"""The verifier for arithmetic: it computes the exact value of the item and compares the answer with it.

An item is an expression (`swarm_core.judges.expression`) with at least one operation (`+`, `-`, `*`, `/`), bare or
followed by `=`, `?` or both: `12+34`, `12 + 34 =`, `12 + 34 = ?`. Items with words are refused.

The answer is the number that the text states (`swarm_core.judges.stated_answer`), in any of the forms of
`swarm_core.judges.numerals`. It is right if it counts as the value (`swarm_core.judges.exactness`). A fraction is a
number if it is in lowest terms, so `12/4` repeats the question and is not a correct answer.

Limits: numbers in words are not read. `docs/results.md` has the measured share of forms that are read rightly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field

from swarm_core.blocks.scalars import Integer
from swarm_core.blocks.settings import Settings
from swarm_core.items import Item
from swarm_core.judges import expression, expression_form
from swarm_core.judges.exactness import Exactness
from swarm_core.judges.number_score import NumberRule, score_number
from swarm_core.judges.plain_math import to_plain_characters
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason
from swarm_core.ports import Reply, Request


class ArithmeticSettings(Settings):
    """The rule by which a number in an answer counts as the value of the item."""

    exactness: Exactness = Exactness.DECIMAL
    """Rule for values that no finite decimal equals, such as 10/3. Exact: only the value itself counts (10/3, 3 1/3).
    Decimal: a decimal also counts if each of its places is right and it has enough places."""
    decimal_places: Integer = Field(2, ge=1, le=15)
    """Number of decimal places that such a decimal needs. If the value is below 1, they count from its first digit that
    is not zero."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({"exactness": "Exact"}, {"decimalPlaces": 6})


@dataclass(frozen=True, slots=True)
class ArithmeticJudge:
    """Judges arithmetic by computing the value. It makes no requests."""

    revision: ClassVar[int] = 3
    settings: ClassVar[type[ArithmeticSettings]] = ArithmeticSettings

    exactness: Exactness = Exactness.DECIMAL
    decimal_places: int = 2
    """Number of places that a decimal needs. It has no effect with exactness Exact."""

    @classmethod
    def from_settings(cls, settings: ArithmeticSettings) -> "ArithmeticJudge":
        """Return the verifier with these rules."""
        return cls(settings.exactness, settings.decimal_places)

    def refusal(self, item: Item) -> str | None:
        """Return the reason why `item` is not an expression with a value and an operation; None if it is one."""
        try:
            value = expression.evaluate(extract_expression(item.text))
        except expression.ExpressionError as error:
            return str(error)
        return None if value.operations else "a number without an operation"

    def canonical(self, item: Item) -> str | None:
        """Return the normal form of the expression, which all its spellings share; None if `refusal` refuses the
        item."""
        return None if self.refusal(item) else expression_form.canonical(extract_expression(item.text))

    def solution(self, item: Item) -> str | None:
        """Return the value of `item`, such as `-3`, or `10/3` in lowest terms; None if `refusal` refuses the item."""
        return None if self.refusal(item) else str(expression.evaluate(extract_expression(item.text)).number)

    def requests(self, item: Item, answer: str) -> tuple[Request, ...]:
        """No requests, because the value is computed."""
        return ()

    def score(self, item: Item, answer: str, replies: Sequence[Reply]) -> Score:
        """1.0 if the number that the answer states counts as the value of `item`, else 0.0.

        A blank answer is wrong. Unscored: UNREADABLE if the answer states no number or no clear one, or one that is
        right in another country's convention only, and JUDGE_FAILED if `refusal` refuses the item.
        """
        if refusal := self.refusal(item):
            return Unscored(UnscoredReason.JUDGE_FAILED, refusal)
        value = expression.evaluate(extract_expression(item.text)).number
        return score_number(answer, value, NumberRule(self.exactness, self.decimal_places))


def extract_expression(text: str) -> str:
    """Return the expression of an item's text in plain characters, without the `= ?` that may follow it.

    A text that is too long for an expression is returned as it is.
    """
    if len(text) > 4 * expression.MAX_LENGTH:
        return text
    return to_plain_characters(text).strip().removesuffix("?").rstrip().removesuffix("=").rstrip()
