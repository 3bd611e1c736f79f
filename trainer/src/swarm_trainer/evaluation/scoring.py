"""How answers get their scores: from a program, or from a model that is asked for marks.

An answer that could not be had, or is empty, is never put to a judge: its score is missing, and so it is when the judge
cannot be had or says nothing that can be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from swarm_core.judges.rubric import RubricJudge
from swarm_core.objectives import scores
from swarm_core.objectives.scores import Unscored, UnscoredReason
from swarm_core.ports import Completion, Inference, Judge, RequestFailure
from swarm_core.rollout import TakerAnswer
from swarm_trainer.evaluation.completions import complete_with_retry


@dataclass(frozen=True, slots=True)
class ScoredAnswers:
    """Answers with their scores, in the order of the answers."""

    answers: list[TakerAnswer]
    tokens: int = 0
    """Tokens the judge wrote."""


@dataclass(frozen=True, slots=True)
class VettedItems:
    """What a model says of items, in their order."""

    valid: list[bool | None]
    """None: it could not be asked, or said nothing that can be read."""
    tokens: int


ItemCompletion = tuple[str, Completion | RequestFailure]
"""An item and what a taker made of it."""


def score_answers(judge: Judge | RubricJudge, engine: Inference, given: Sequence[ItemCompletion]) -> ScoredAnswers:
    """Every answer with its score. Raises ValueError on a bad score of a program."""
    if isinstance(judge, RubricJudge):
        return score_with_model(judge, engine, given)
    return ScoredAnswers([score_with_program(judge, item, result) for item, result in given])


def score_with_program(judge: Judge, item: str, result: Completion | RequestFailure) -> TakerAnswer:
    """The answer with a program's score; a request that failed is a missing score. Raises ValueError on a bad one."""
    if isinstance(result, RequestFailure):
        return TakerAnswer(None, Unscored(UnscoredReason.NO_ANSWER, result.message))
    given = judge.score(item, result.text)
    return TakerAnswer(result.text, given if isinstance(given, Unscored) else scores.validate(given))


def score_with_model(judge: RubricJudge, engine: Inference, given: Sequence[ItemCompletion]) -> ScoredAnswers:
    """The answers with a model's marks."""
    answers = [build_unscored_answer(result) for _, result in given]
    requests = [
        (index, judge.marking_request(item, result.text))
        for index, (item, result) in enumerate(given)
        if isinstance(result, Completion) and result.text.strip()
    ]
    tokens = 0
    replies = complete_with_retry(engine, [request for _, request in requests]) if requests else []
    for (index, _), reply in zip(requests, replies, strict=True):
        if isinstance(reply, RequestFailure):
            answers[index] = TakerAnswer(answers[index].text, Unscored(UnscoredReason.JUDGE_FAILED, reply.message))
        else:
            answers[index] = TakerAnswer(answers[index].text, judge.mark(reply))
            tokens += reply.tokens
    return ScoredAnswers(answers, tokens)


def build_unscored_answer(result: Completion | RequestFailure) -> TakerAnswer:
    """An answer as long as no judge has seen it."""
    if isinstance(result, RequestFailure):
        return TakerAnswer(None, Unscored(UnscoredReason.NO_ANSWER, result.message))
    return TakerAnswer(result.text, Unscored(UnscoredReason.NO_ANSWER, "the answer is empty"))


def vet_items(judge: RubricJudge, engine: Inference, items: Sequence[str]) -> VettedItems:
    """What the model says of each item."""
    replies = complete_with_retry(engine, [judge.vetting_request(item) for item in items]) if items else []
    valid = [judge.valid(reply) if isinstance(reply, Completion) else None for reply in replies]
    return VettedItems(valid, sum(reply.tokens for reply in replies if isinstance(reply, Completion)))
