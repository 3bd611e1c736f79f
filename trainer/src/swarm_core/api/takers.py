"""Who takes the tests, how generators are asked for items and takers for answers."""

from typing import ClassVar

from pydantic import Field

from swarm_core.api.block import Block, Rule, RuleReason
from swarm_core.api.endpoints import EndpointSpec
from swarm_core.api.scalars import Integer, Label, Number, Uri


class Taker(Block):
    """One test taker: a model, the base with an adapter on it, or a model that somebody else serves."""

    name: Label
    """Name of the taker in results; no two are alike."""
    adapter: Uri | None = None
    """Folder of a PEFT adapter on the taker's model; absent, the model as it is."""
    model: Uri | None = None
    """Folder of the taker's model; absent, the base."""
    endpoint: EndpointSpec | None = None
    """A model that somebody else serves, asked in chat turns."""

    rules: ClassVar[tuple[Rule["Taker"], ...]] = (
        Rule(
            "!has(self.endpoint) || !(has(self.adapter) || has(self.model))",
            "endpoint is a model served elsewhere; remove it, or remove adapter and model",
            "endpoint",
            lambda it: it.endpoint is None or (it.adapter is None and it.model is None),
            reason=RuleReason.FORBIDDEN,
        ),
    )


class Generation(Block):
    """How generators are asked for items."""

    max_tokens: Integer = Field(512, ge=1, le=1_048_576)
    """Longest reply of a generator, in tokens."""
    temperature: Number = Field(1.0, ge=0, le=2)
    """Sampling temperature of generators."""
    shots: Integer = Field(5, ge=1, le=32)
    """k examples in, k items out, in training as in generation."""
    rounds: Integer = Field(2, ge=1, le=8)
    """How often a generator is asked in all, when it gives fewer items than asked for."""


class Answering(Block):
    """How takers are asked for answers."""

    max_tokens: Integer = Field(512, ge=1, le=1_048_576)
    """Longest answer of a taker, in tokens."""
    temperature: Number = Field(0.0, ge=0, le=2)
    """Sampling temperature of takers."""
