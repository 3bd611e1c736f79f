"""How answers get their scores: one way for every judge, whether it is a program or has to ask a model.

What a judge has to ask about all answers is asked at once, and each answer is scored with its replies. A taker that
could not be asked is never put to a judge: its score is missing.
"""

from collections.abc import Sequence

from swarm_core.asking import Ask, ask_together
from swarm_core.items import Item
from swarm_core.objectives import scores
from swarm_core.objectives.scores import Unscored, UnscoredReason
from swarm_core.ports import Judge, Reply, RequestFailure
from swarm_core.rollout import TakerAnswer

ItemCompletion = tuple[Item, Reply]
"""An item and what a taker made of it."""


def score_answers(judge: Judge, given: Sequence[ItemCompletion], ask: Ask) -> list[TakerAnswer]:
    """Every answer with its score, in order. Raises ValueError for a score that is none."""
    wanted = [() if isinstance(result, RequestFailure) else judge.requests(item, result.text) for item, result in given]
    replies = ask_together(wanted, ask)
    return [score_answer(judge, item, result, told) for (item, result), told in zip(given, replies, strict=True)]


def score_answer(judge: Judge, item: Item, result: Reply, replies: Sequence[Reply]) -> TakerAnswer:
    """One answer with its score. Raises ValueError for a score that is none."""
    if isinstance(result, RequestFailure):
        return TakerAnswer(None, Unscored(UnscoredReason.NO_ANSWER, result.message))
    given = judge.score(item, result.text, replies)
    return TakerAnswer(result.text, given if isinstance(given, Unscored) else scores.validate(given))
