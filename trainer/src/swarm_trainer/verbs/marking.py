"""How answers get their scores: from a program, or from a model that is asked for marks.

An answer that could not be had, or is empty, is never put to a judge: its score is missing, and so it is when the judge
cannot be had or says nothing that can be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from swarm_core.judges.rubric import Rubric
from swarm_core.objectives import cube
from swarm_core.objectives.cube import Reason, Unscored
from swarm_core.ports import Completion, Failure, Inference, Judge
from swarm_core.rollout import Answer
from swarm_trainer.verbs.asking import persistently


@dataclass(frozen=True, slots=True)
class Judged:
    """Answers with their scores, in the order of the answers."""

    answers: list[Answer]
    tokens: int = 0
    """Tokens the judge wrote."""


@dataclass(frozen=True, slots=True)
class Vetted:
    """What a model says of items, in their order."""

    valid: list[bool | None]
    """None: it could not be asked, or said nothing that can be read."""
    tokens: int


Given = tuple[str, Completion | Failure]
"""An item and what a taker made of it."""


def judged(judge: Judge | Rubric, engine: Inference, given: Sequence[Given]) -> Judged:
    """Every answer with its score. Raises ValueError on a bad score of a program."""
    if isinstance(judge, Rubric):
        return marked(judge, engine, given)
    return Judged([computed(judge, item, result) for item, result in given])


def computed(judge: Judge, item: str, result: Completion | Failure) -> Answer:
    """The answer with a program's score; a request that failed is a missing score. Raises ValueError on a bad one."""
    if isinstance(result, Failure):
        return Answer(None, Unscored(Reason.NO_ANSWER, result.message))
    given = judge.score(item, result.text)
    return Answer(result.text, given if isinstance(given, Unscored) else cube.score(given))


def marked(judge: Rubric, engine: Inference, given: Sequence[Given]) -> Judged:
    """The answers with a model's marks."""
    answers = [unmarked(result) for _, result in given]
    requests = [
        (index, judge.marking(item, result.text))
        for index, (item, result) in enumerate(given)
        if isinstance(result, Completion) and result.text.strip()
    ]
    tokens = 0
    replies = persistently(engine, [request for _, request in requests]) if requests else []
    for (index, _), reply in zip(requests, replies, strict=True):
        if isinstance(reply, Failure):
            answers[index] = Answer(answers[index].text, Unscored(Reason.JUDGE_FAILED, reply.message))
        else:
            answers[index] = Answer(answers[index].text, judge.mark(reply))
            tokens += reply.tokens
    return Judged(answers, tokens)


def unmarked(result: Completion | Failure) -> Answer:
    """An answer as long as no judge has seen it."""
    if isinstance(result, Failure):
        return Answer(None, Unscored(Reason.NO_ANSWER, result.message))
    return Answer(result.text, Unscored(Reason.NO_ANSWER, "the answer is empty"))


def vetted(judge: Rubric, engine: Inference, items: Sequence[str]) -> Vetted:
    """What the model says of each item."""
    replies = persistently(engine, [judge.vetting(item) for item in items]) if items else []
    valid = [judge.valid(reply) if isinstance(reply, Completion) else None for reply in replies]
    return Vetted(valid, sum(reply.tokens for reply in replies if isinstance(reply, Completion)))
