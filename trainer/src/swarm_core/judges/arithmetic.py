"""The judge of arithmetic: evaluates the item exactly and compares.

An item is an expression (`swarm_core.judges.expression`) with at least one operation, bare or followed by `=`, `?` or
both: `12+34`, `12 + 34 =`, `12 + 34 = ?`. Words are refused.

Which number of an answer counts: the last one in its last `\\boxed{...}`, or without one the last in the whole text. A
minus sign belongs to a number it touches, unless a digit, a letter or a closing parenthesis stands before the sign
(`5-3` ends in 3, `= -3` in -3). `3/4` is one number if it is in lowest terms; `12/4` is the question once more, and no
answer. `1,234.50` is 1234.5.

Limits: equal means equal, nothing is rounded, so 10/3 can be answered as `10/3` only. Numbers in words, powers of ten
and percentages are not understood.
"""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import gcd
from typing import ClassVar

from swarm_core import part_config
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
"""Digits of a number in an answer that are read at all; no value has half as many (`expression.MAX_LENGTH`)."""


class ArithmeticJudge:
    """Judges arithmetic by computing it; asks nobody."""

    revision: ClassVar[int] = 1

    @classmethod
    def from_config(cls, config: Mapping[str, object]) -> "ArithmeticJudge":
        """Takes no config. Raises BadInputError for any."""
        part_config.check_fields("verifier Arithmetic", config)
        return cls()

    def refusal(self, item: Item) -> str | None:
        """Why `item` is not an expression with a value and at least one operation; None if it is."""
        try:
            value = expression.evaluate(extract_expression(item.text))
        except expression.ExpressionError as error:
            return str(error)
        return None if value.operations else "a number without an operation"

    def solution(self, item: Item) -> str | None:
        """The value of `item`: `-3`, or `10/3` in lowest terms; None for what `refusal` refuses."""
        return None if self.refusal(item) else str(expression.evaluate(extract_expression(item.text)).number)

    def requests(self, item: Item, answer: str) -> tuple[Request, ...]:
        """None: the value is computed."""
        return ()

    def score(self, item: Item, answer: str, replies: Sequence[Reply]) -> Score:
        """1.0 if the number that counts equals the value of `item`, else 0.0.

        Unscored: NO_ANSWER if the answer is blank, UNREADABLE if it states no number, JUDGE_FAILED if the item is one
        that `refusal` refuses.
        """
        if refusal := self.refusal(item):
            return Unscored(UnscoredReason.JUDGE_FAILED, refusal)
        if not answer.strip():
            return Unscored(UnscoredReason.NO_ANSWER, "the answer is empty")
        found = find_stated_number(answer)
        if found is None:
            return Unscored(UnscoredReason.UNREADABLE, "the answer states no number")
        return float(parse_number(found) == expression.evaluate(extract_expression(item.text)).number)


def extract_expression(text: str) -> str:
    """The expression of an item's text, without the `= ?` that may follow it."""
    return text.strip().removesuffix("?").rstrip().removesuffix("=").rstrip()


def find_stated_number(answer: str) -> re.Match[str] | None:
    """Where `answer` states the number that counts."""
    plain = FRAC.sub(r"\1/\2", answer)
    boxes = [box for box in BOXED.findall(plain) if STATED_NUMBER.search(box)]
    stated = list(STATED_NUMBER.finditer(boxes[-1] if boxes else plain))
    return stated[-1] if stated else None


def parse_number(stated: re.Match[str]) -> Fraction | None:
    """The number stated; None if no value can equal it: it is too long, or a fraction not in lowest terms."""
    digits, below = stated["number"].replace(",", ""), stated["below"]
    if len(digits) + len(below or "") > MAX_DIGITS:
        return None
    number = -Fraction(digits) if stated["sign"] else Fraction(digits)
    if below is None:
        return number
    lowest = number.denominator == 1 and int(below) > 1 and gcd(number.numerator, int(below)) == 1
    return number / int(below) if lowest else None
