"""The settings of rivals that instruct a model: the model of an endpoint, or the base.

Limits: one turn without system text. Whether the model follows an instruction is not checked.
"""

from pydantic import Field

from swarm_core.blocks.endpoints import EndpointSpec
from swarm_core.blocks.scalars import Integer, Number
from swarm_core.blocks.settings import Settings
from swarm_core.ports import Request
from swarm_core.recipe import ModelName


class InstructedModelSettings(Settings):
    """The model that is instructed."""

    endpoint: EndpointSpec | None = None
    """Endpoint of the model. If absent, the base model is asked, which must follow instructions."""
    max_tokens: Integer = Field(512, ge=1, le=1_048_576)
    """Maximum length of a reply, in tokens, without thinking."""
    thinking_tokens: Integer = Field(0, ge=0, le=1_048_576)
    """Tokens that the model may think, in addition to maxTokens."""
    temperature: Number = Field(1.0, ge=0, le=2)
    """Sampling temperature."""

    @property
    def remote_model(self) -> ModelName | None:
        """The model, if it is one behind an endpoint."""
        return None if self.endpoint is None else self.endpoint.served_model

    def build_request(self, model: ModelName, prompt: str, seed: int, chat: bool) -> Request:
        """Return the request that sends `prompt` to `model`."""
        return Request(
            model=model,
            prompt=prompt,
            max_tokens=self.max_tokens + self.thinking_tokens,
            temperature=self.temperature,
            seed=seed,
            chat=chat,
            thinks=self.thinking_tokens > 0,
        )
