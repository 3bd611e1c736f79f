"""Scores answers in one way for every judge, whether it is a program or asks a model.

The judge's requests for all answers are sent together, and each answer is scored with its own replies. If a request to
a taker failed, the judge gets no answer and the score is missing.
"""

from collections.abc import Sequence

from swarm_core.asking import Ask, ask_together
from swarm_core.items import Item
from swarm_core.objectives import scores
from swarm_core.objectives.scores import Unscored, UnscoredReason
from swarm_core.ports import Judge, Reply, RequestFailure
from swarm_core.rollout import TakerAnswer

ItemCompletion = tuple[Item, Reply]
"""An item, and a taker's reply to it."""


def score_answers(judge: Judge, completions: Sequence[ItemCompletion], ask: Ask) -> list[TakerAnswer]:
    """Return every answer with its score, in order.

    Raises ValueError if the judge gives a value that is not a score.
    """
    requests = [
        () if isinstance(result, RequestFailure) else judge.requests(item, result.text) for item, result in completions
    ]
    replies = ask_together(requests, ask)
    return [
        score_answer(judge, item, result, answer_replies)
        for (item, result), answer_replies in zip(completions, replies, strict=True)
    ]


def score_answer(judge: Judge, item: Item, result: Reply, replies: Sequence[Reply]) -> TakerAnswer:
    """Return one answer with its score.

    Raises ValueError if the judge gives a value that is not a score.
    """
    if isinstance(result, RequestFailure):
        return TakerAnswer(None, Unscored(UnscoredReason.NO_ANSWER, result.message))
    score = judge.score(item, result.text, replies)
    return TakerAnswer(result.text, score if isinstance(score, Unscored) else scores.validate(score))
