"""The base model without an adapter, which gets the same prompts, with the same examples, as the generators."""

from typing import ClassVar

from swarm_core.blocks.settings import Settings


class FewShotBase:
    """The base model with the examples of the prompt, without an adapter."""

    revision: ClassVar[int] = 1
    trainer: ClassVar[str] = "swarm_trainer.rivals.few_shot_base:carry_out"
    spends_budget: ClassVar[bool] = False
    settings: ClassVar[type[Settings]] = Settings

    @classmethod
    def from_settings(cls, settings: Settings) -> "FewShotBase":
        return cls()
