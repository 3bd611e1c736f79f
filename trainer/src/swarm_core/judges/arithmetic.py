"""The verifier for arithmetic: it evaluates the item exactly and compares the answer.

An item is an expression (`swarm_core.judges.expression`) with at least one operation, bare or followed by `=`, `?` or
both: `12+34`, `12 + 34 =`, `12 + 34 = ?`. Items with words are refused.

The answer is the last number in the last `\\boxed{...}`, or else the last number in the text. A minus sign belongs to
the number that it touches, unless a digit, a letter or a closing parenthesis precedes the sign (`5-3` ends in 3, `= -3`
in -3). `3/4` is one number if it is in lowest terms. `12/4` repeats the question and is not a correct answer.
`1,234.50` is 1234.5.

Limits: the comparison is exact and nothing is rounded, so `10/3` is the only correct answer for 10/3. Numbers in words,
powers of ten and percentages are not supported.
"""

import re
from collections.abc import Sequence
from fractions import Fraction
from math import gcd
from typing import ClassVar

from swarm_core.blocks.settings import Settings
from swarm_core.items import Item
from swarm_core.judges import expression
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason
from swarm_core.ports import Reply, Request

BOXED = re.compile(r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
FRAC = re.compile(r"\\[dt]?frac\s*\{\s*([0-9]+)\s*\}\s*\{\s*([0-9]+)\s*\}")
STATED_NUMBER = re.compile(
    r"(?P<sign>(?<![A-Za-z0-9_)])[-−])?(?<![A-Za-z0-9_])(?<![0-9]\.)"
    rf"(?P<number>{expression.NUMBER}|(?<!\.)\.[0-9]+)(?: ?/ ?(?P<below>[0-9]++)(?![.,]?[0-9]))?"
)
MAX_DIGITS = 1000
"""Maximum number of digits of a number in an answer. No value has half as many (`expression.MAX_LENGTH`)."""


class ArithmeticJudge:
    """Judges arithmetic by computing the value. It makes no requests."""

    revision: ClassVar[int] = 1
    settings: ClassVar[type[Settings]] = Settings

    @classmethod
    def from_settings(cls, settings: Settings) -> "ArithmeticJudge":
        """Return the verifier. It has no settings."""
        return cls()

    def refusal(self, item: Item) -> str | None:
        """Return the reason why `item` is not an expression with a value and an operation; None if it is one."""
        try:
            value = expression.evaluate(extract_expression(item.text))
        except expression.ExpressionError as error:
            return str(error)
        return None if value.operations else "a number without an operation"

    def solution(self, item: Item) -> str | None:
        """Return the value of `item`, such as `-3`, or `10/3` in lowest terms; None if `refusal` refuses the item."""
        return None if self.refusal(item) else str(expression.evaluate(extract_expression(item.text)).number)

    def requests(self, item: Item, answer: str) -> tuple[Request, ...]:
        """No requests, because the value is computed."""
        return ()

    def score(self, item: Item, answer: str, replies: Sequence[Reply]) -> Score:
        """1.0 if the number in the answer equals the value of `item`, else 0.0.

        A blank answer is wrong. Unscored: UNREADABLE if the answer has no number, and JUDGE_FAILED if `refusal` refuses
        the item.
        """
        if refusal := self.refusal(item):
            return Unscored(UnscoredReason.JUDGE_FAILED, refusal)
        if not answer.strip():
            return 0.0
        found = find_stated_number(answer)
        if found is None:
            return Unscored(UnscoredReason.UNREADABLE, "the answer states no number")
        return float(parse_number(found) == expression.evaluate(extract_expression(item.text)).number)


def extract_expression(text: str) -> str:
    """Return the expression of an item's text, without the `= ?` that may follow it."""
    return text.strip().removesuffix("?").rstrip().removesuffix("=").rstrip()


def find_stated_number(answer: str) -> re.Match[str] | None:
    """Return the match of the number that counts as the answer; None if there is no number."""
    plain = FRAC.sub(r"\1/\2", answer)
    boxes = [box for box in BOXED.findall(plain) if STATED_NUMBER.search(box)]
    stated = list(STATED_NUMBER.finditer(boxes[-1] if boxes else plain))
    return stated[-1] if stated else None


def parse_number(stated: re.Match[str]) -> Fraction | None:
    """Return the number of a match; None if no value can equal it, because it is too long or not in lowest terms."""
    digits, below = stated["number"].replace(",", ""), stated["below"]
    if len(digits) + len(below or "") > MAX_DIGITS:
        return None
    number = -Fraction(digits) if stated["sign"] else Fraction(digits)
    if below is None:
        return number
    lowest = number.denominator == 1 and int(below) > 1 and gcd(number.numerator, int(below)) == 1
    return number / int(below) if lowest else None
