"""The verifier for word problems: it computes the answer of a story of one to three steps and compares answers with it.

An item is a text of the grammar in `swarm_core.judges.word_problem_story`, spelled exactly so. The answer is the number
that the text of a taker states (`swarm_core.judges.number_score`).

Two items are one problem if they have the same thing and the same signed amounts in any order. Names, verbs and
containers do not count, because they change nothing that has to be computed: a seed item with another name is a copy.

Limits: the grammar is a small toy. Numbers in words are not read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from swarm_core.blocks.settings import Settings
from swarm_core.items import Item
from swarm_core.judges import word_problem_story
from swarm_core.judges.exactness import Exactness
from swarm_core.judges.number_score import NumberRule, score_number
from swarm_core.judges.word_problem_story import Amount, Story, StoryError
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason
from swarm_core.ports import Reply, Request

NUMBER_RULE = NumberRule(Exactness.EXACT, 0)
"""The rule for answers, all of which are whole numbers."""


@dataclass(frozen=True, slots=True)
class WordProblemJudge:
    """Judges word problems of a small grammar by computing the answer. It makes no requests."""

    revision: ClassVar[int] = 3
    settings: ClassVar[type[Settings]] = Settings

    @classmethod
    def from_settings(cls, settings: Settings) -> "WordProblemJudge":
        """Return the verifier."""
        return cls()

    def refusal(self, item: Item) -> str | None:
        """Return the reason why `item` is no problem of the grammar or has no answer; None if it has one."""
        try:
            word_problem_story.parse(item.text)
        except StoryError as error:
            return str(error)
        return None

    def canonical(self, item: Item) -> str | None:
        """Return the thing and the signed amounts in order of their texts, such as `pens +3*4 -5`; None if `refusal`
        refuses the item."""
        story = find_story(item)
        if story is None:
            return None
        return " ".join([story.thing, *sorted(sign + format_product(amount) for sign, amount in story.terms)])

    def solution(self, item: Item) -> str | None:
        """Return the answer as digits; None if `refusal` refuses the item."""
        story = find_story(item)
        return None if story is None else str(story.answer)

    def describe(self, item: Item) -> Mapping[str, str | int] | None:
        """Return `topic`, `operations` (the distinct signs, such as `*-`), `steps` (the number of operations) and
        `largest` (the largest number of the text); None if `refusal` refuses the item."""
        story = find_story(item)
        if story is None:
            return None
        numbers = [number for _, amount in story.terms for number in (amount.number, amount.count or 0)]
        return {
            "topic": story.topic.name,
            "operations": "".join(sorted(set(story.operations))),
            "steps": len(story.operations),
            "largest": max(numbers),
        }

    def requests(self, item: Item, answer: str) -> tuple[Request, ...]:
        """No requests, because the answer is computed."""
        return ()

    def score(self, item: Item, answer: str, replies: Sequence[Reply]) -> Score:
        """1.0 if the number that the answer states is the answer of `item`, else 0.0.

        A blank answer is wrong. Unscored: UNREADABLE if the answer states no number or no clear one, and JUDGE_FAILED
        if `refusal` refuses the item.
        """
        try:
            story = word_problem_story.parse(item.text)
        except StoryError as error:
            return Unscored(UnscoredReason.JUDGE_FAILED, str(error))
        return score_number(answer, Fraction(story.answer), NUMBER_RULE)


def find_story(item: Item) -> Story | None:
    """Return the story of an item; None if it is no problem of the grammar or has no answer."""
    try:
        return word_problem_story.parse(item.text)
    except StoryError:
        return None


def format_product(amount: Amount) -> str:
    """Return an amount as a number or as a product with the smaller factor first."""
    factors = (amount.number,) if amount.count is None else sorted((amount.count, amount.number))
    return "*".join(map(str, factors))
