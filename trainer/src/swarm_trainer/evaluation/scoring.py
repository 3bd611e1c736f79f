"""Scores answers in one way for every judge, whether it is a program or asks a model.

Some fates are decided by rules, and the judge is not asked: an answer that could not be had has no score, and a
finished blank answer is wrong. The judge's requests for all other answers are sent together, and each answer is scored
with its own replies.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from swarm_core.asking import Ask, ask_together
from swarm_core.items import Item
from swarm_core.objectives import scores
from swarm_core.objectives.scores import AnswerFate, Unscored, UnscoredReason
from swarm_core.ports import Completion, Judge, PanelOfJudges, Reply, RequestFailure
from swarm_core.rollout import TakerAnswer
from swarm_core.text import thinking

ItemCompletion = tuple[Item, Reply]
"""An item, and a taker's reply to it."""


@dataclass(frozen=True, slots=True)
class AnswerRules:
    """The rules for answers that no judge scores."""

    cut_off_is_wrong: bool = False
    """Whether an answer without an end counts as wrong (`spec.answering.cutOff`)."""
    taker_is_measured: bool = False
    """Whether the takers themselves are measured. Then a finished answer that nobody can read is wrong: a taker that
    moves must not gain by it."""


DEFAULT_RULES = AnswerRules()


def score_answers(
    judge: Judge, completions: Sequence[ItemCompletion], ask: Ask, rules: AnswerRules = DEFAULT_RULES
) -> list[TakerAnswer]:
    """Return every answer with its score, in order.

    Raises ValueError if the judge gives a value that is not a score.
    """
    ruled = [apply_rules(reply, rules) for _, reply in completions]
    requests = [
        judge.requests(item, reply.text) if done is None and isinstance(reply, Completion) else ()
        for (item, reply), done in zip(completions, ruled, strict=True)
    ]
    replies = ask_together(requests, ask)
    return [
        score_answer(judge, item, reply, given, rules)
        for (item, reply), given in zip(completions, replies, strict=True)
    ]


def score_answer(
    judge: Judge, item: Item, reply: Reply, replies: Sequence[Reply], rules: AnswerRules = DEFAULT_RULES
) -> TakerAnswer:
    """Return one answer with its score.

    Raises ValueError if the judge gives a value that is not a score.
    """
    ruled = apply_rules(reply, rules)
    if ruled is not None:
        return ruled
    assert isinstance(reply, Completion)  # the rules decide about failures
    score = judge.score(item, reply.text, replies)
    opinions = judge.opinions(item, reply.text, replies) if isinstance(judge, PanelOfJudges) else ()
    if not isinstance(score, Unscored):
        return TakerAnswer(reply.text, scores.validate(score), opinions=opinions)
    if rules.taker_is_measured and score.reason is UnscoredReason.UNREADABLE:
        return TakerAnswer(reply.text, 0.0, AnswerFate.UNREADABLE, opinions)
    return TakerAnswer(reply.text, score, opinions=opinions)


def apply_rules(reply: Reply, rules: AnswerRules) -> TakerAnswer | None:
    """Return the answer that the rules decide about; None if the judge must score it."""
    if isinstance(reply, RequestFailure):
        return TakerAnswer(None, Unscored(reply.reason, reply.message))
    blank = thinking.is_blank(reply.text)
    if blank and reply.thinking:
        wrong = rules.cut_off_is_wrong or (rules.taker_is_measured and reply.finished)
        return _without_end(reply, UnscoredReason.THINKING_ONLY, "no answer follows the thinking", wrong)
    if not reply.finished:
        return _without_end(reply, UnscoredReason.CUT_OFF, "the answer has no end", rules.cut_off_is_wrong)
    return TakerAnswer(reply.text, 0.0, AnswerFate.BLANK) if blank else None


def _without_end(reply: Completion, reason: UnscoredReason, what: str, wrong: bool) -> TakerAnswer:
    """Return an answer that was not brought to its end: wrong, or without a score."""
    fate = AnswerFate(str(reason))
    if wrong:
        return TakerAnswer(reply.text, 0.0, fate)
    return TakerAnswer(reply.text, Unscored(reason, f"{what}; {scores.advise(fate)}"))
