"""A verifier: an answer is right if its last number equals the value of the item, modulo `modulus`.

Items are sums, differences and products of integers, such as `12+34`. Asks nobody; knows the answer.
"""

import re
from collections.abc import Mapping, Sequence

from swarm_core import part_config
from swarm_core.errors import BadInputError
from swarm_core.items import Item
from swarm_core.judges import expression
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason
from swarm_core.ports import Completion, Request, RequestFailure

NAME = "verifier residue"
NUMBER = re.compile(r"-?[0-9]+")


class ResidueVerifier:
    """Judges answers by their remainder."""

    def __init__(self, modulus: int) -> None:
        self.modulus = modulus

    def refusal(self, item: Item) -> str | None:
        """Why `item` cannot be judged; None if it can."""
        try:
            value = expression.evaluate(item.text)
        except expression.ExpressionError as error:
            return str(error)
        return None if value.operations and value.number.denominator == 1 else "not an integer expression"

    def solution(self, item: Item) -> str | None:
        """The smallest right answer."""
        return None if self.refusal(item) else str(int(expression.evaluate(item.text).number) % self.modulus)

    def requests(self, item: Item, answer: str) -> tuple[Request, ...]:
        return ()

    def score(self, item: Item, answer: str, replies: Sequence[Completion | RequestFailure]) -> Score:
        """1.0 for a right answer, else 0.0; unscored without a number."""
        numbers = NUMBER.findall(answer)
        if not numbers:
            return Unscored(UnscoredReason.UNREADABLE, "the answer states no number")
        return float(int(numbers[-1]) % self.modulus == int(self.solution(item) or 0))


def make_verifier(config: Mapping[str, object]) -> ResidueVerifier:
    """Takes `modulus`, 2 or more. Raises BadInputError."""
    part_config.check_fields(NAME, config, ("modulus",))
    modulus = part_config.get_field(NAME, config, "modulus", int)
    if modulus < 2:
        raise BadInputError(f"{NAME}: config field 'modulus' is {modulus}; give 2 or more")
    return ResidueVerifier(modulus)
