"""The judge of last digits: an answer is right if its number ends in the digit in which the value of the item ends.

Items are those of `swarm_core.judges.arithmetic` whose value is an integer. The number of an answer that counts is
found there too. It must be an integer as well; its sign does not matter: -13 ends in 3.

Limits: one guess in ten is right, so takers that know nothing score about 0.1.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import ClassVar

from swarm_core import part_config
from swarm_core.items import Item
from swarm_core.judges import expression
from swarm_core.judges.arithmetic import ArithmeticJudge, extract_expression, find_stated_number, parse_number
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason
from swarm_core.ports import Reply, Request


class LastDigit:
    """Judges the last digit of an answer; asks nobody."""

    revision: ClassVar[int] = 1

    @classmethod
    def from_config(cls, config: Mapping[str, object]) -> "LastDigit":
        """Takes no config. Raises BadInputError for any."""
        part_config.check_fields("verifier LastDigit", config)
        return cls()

    def refusal(self, item: Item) -> str | None:
        """Why `item` is no expression with an integer as its value; None if it is."""
        if refusal := ArithmeticJudge().refusal(item):
            return refusal
        value = compute_value(item)
        return None if value.denominator == 1 else f"its value {value} is no integer"

    def solution(self, item: Item) -> str | None:
        """The last digit of the value of `item`; None for what `refusal` refuses."""
        return None if self.refusal(item) else str(find_last_digit(compute_value(item)))

    def requests(self, item: Item, answer: str) -> tuple[Request, ...]:
        """None: the value is computed."""
        return ()

    def score(self, item: Item, answer: str, replies: Sequence[Reply]) -> Score:
        """1.0 if the number that counts ends in the digit of the value of `item`, else 0.0.

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
        number = parse_number(found)
        if number is None or number.denominator != 1:
            return 0.0
        return float(find_last_digit(number) == find_last_digit(compute_value(item)))


def compute_value(item: Item) -> Fraction:
    """The value of an item that is an expression."""
    return expression.evaluate(extract_expression(item.text)).number


def find_last_digit(number: Fraction) -> int:
    """The last digit of an integer, without its sign."""
    return abs(number.numerator) % 10
