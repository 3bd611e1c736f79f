"""The test takers, and the sampling settings for the items of generators and the answers of takers."""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from swarm_core.blocks.block import Block, Rule, RuleReason
from swarm_core.blocks.endpoints import EndpointSpec
from swarm_core.blocks.scalars import Integer, Label, Number, Uri


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
