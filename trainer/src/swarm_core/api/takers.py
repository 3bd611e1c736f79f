"""The test takers, and the settings for the items of generators and the answers of takers."""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from swarm_core.blocks.block import Block, Rule, RuleReason
from swarm_core.blocks.endpoints import EndpointSpec
from swarm_core.blocks.scalars import Integer, Label, Limit, Number, Uri
from swarm_core.text.item_formats import ItemFormat


class Taker(Block):
    """One test taker: the base model or another model, with or without an adapter, or a model behind an endpoint."""

    name: Label
    """Name of the taker in results. It must be unique within the run."""
    adapter: Uri | None = None
    """Folder of a PEFT adapter for the taker's model. If absent, the model is used without an adapter."""
    model: Uri | None = None
    """Folder of the taker's model. If absent, the base model."""
    endpoint: EndpointSpec | None = None
    """Endpoint of the taker, if dataswarm does not run its model. It is asked through the chat API."""

    rules: ClassVar[tuple[Rule["Taker"], ...]] = (
        Rule(
            "!has(self.endpoint) || !(has(self.adapter) || has(self.model))",
            "endpoint replaces model and adapter; remove endpoint, or remove model and adapter",
            "endpoint",
            lambda it: it.endpoint is None or (it.adapter is None and it.model is None),
            reason=RuleReason.FORBIDDEN,
        ),
    )


class MissingEnd(StrEnum):
    """What an answer without an end is."""

    UNSCORED = "Unscored"
    """It has no score, and is counted."""
    WRONG = "Wrong"
    """Its score is 0."""


ANSWER_CHECK_REVISION = 1
"""The revision of the check of answers (`swarm_core.answer_check`). It is raised when its results change."""


class AnswerChecker(StrEnum):
    """Who checks the answer of a writer before it is the reference of its item."""

    JUDGE = "Judge"
    """The judge must call it right, without seeing it as the reference."""
    TAKERS = "Takers"
    """Enough takers must give it, as the judge compares them with it."""
    JUDGE_AND_TAKERS = "JudgeAndTakers"
    """Both."""
    NOBODY = "Nobody"
    """Nobody does. The reference is a claim of its writer."""


def _is_zero(tokens: int) -> bool:
    return tokens == 0


class Generation(Block):
    """The settings for asking generators for items."""

    max_tokens: Integer = Field(512, ge=1, le=1_048_576)
    """Maximum length of a reply of a generator, in tokens, without its thinking."""
    thinking_tokens: Integer = Field(0, ge=0, le=1_048_576, exclude_if=_is_zero)
    """Tokens that a generator may think, in addition to maxTokens. With 0, a chat template that has a switch turns
    thinking off."""
    temperature: Number = Field(1.0, ge=0, le=2)
    """Sampling temperature of generators."""
    shots: Integer = Field(5, ge=1, le=32)
    """Number of examples in a prompt. It is also the number of items that the prompt asks for."""
    rounds: Integer = Field(2, ge=1, le=8)
    """Maximum number of times that a generator is asked, if it gives fewer items than requested."""
    format: ItemFormat = Field(ItemFormat.QUESTIONS, exclude_if=lambda item_format: item_format is ItemFormat.QUESTIONS)
    """What a generator writes for each item: Questions, QuestionsAndAnswers or MultipleChoice. With answers, the
    writer's answer is checked, and is the item's reference from then on."""
    answer_check: AnswerChecker | None = Field(None, exclude_if=lambda checker: checker is None)
    """Who checks the writer's answer: Judge, Takers, JudgeAndTakers or Nobody. If absent, the judge if it is a program
    that computes answers, the takers if it compares answers with references, and both if it is a model."""
    agreeing_takers: Limit | None = Field(None, exclude_if=lambda count: count is None)
    """Minimum number of takers that must give the writer's answer, where takers check it. If absent, more than half.
    No item is harder than this number of right answers."""

    rules: ClassVar[tuple[Rule["Generation"], ...]] = (
        Rule(
            "self.format != 'Questions' || !(has(self.answerCheck) || has(self.agreeingTakers))",
            "questions alone have no answers to check; remove it, or set format to QuestionsAndAnswers or"
            " MultipleChoice",
            "format",
            lambda it: (
                it.format is not ItemFormat.QUESTIONS or (it.answer_check is None and it.agreeing_takers is None)
            ),
            reason=RuleReason.FORBIDDEN,
        ),
        Rule(
            "!has(self.agreeingTakers) || !has(self.answerCheck) || self.answerCheck in ['Takers', 'JudgeAndTakers']",
            "agreeingTakers counts takers, but answerCheck does not ask them; remove one of them",
            "agreeingTakers",
            lambda it: (
                it.agreeing_takers is None
                or it.answer_check in (None, AnswerChecker.TAKERS, AnswerChecker.JUDGE_AND_TAKERS)
            ),
            reason=RuleReason.FORBIDDEN,
        ),
    )


class Answering(Block):
    """The settings for asking takers for answers."""

    max_tokens: Integer = Field(512, ge=1, le=1_048_576)
    """Maximum length of an answer of a taker, in tokens, without its thinking."""
    thinking_tokens: Integer = Field(0, ge=0, le=1_048_576, exclude_if=_is_zero)
    """Tokens that a taker may think, in addition to maxTokens. With 0, a chat template that has a switch turns thinking
    off. An endpoint takes its own switch in extraBody."""
    temperature: Number = Field(0.0, ge=0, le=2)
    """Sampling temperature of takers."""
    cut_off: MissingEnd = Field(MissingEnd.UNSCORED, exclude_if=lambda missing: missing is MissingEnd.UNSCORED)
    """Whether an answer that is cut off at its maximum length, or that holds nothing but thinking, has no score or is
    wrong."""
