"""The uniform soup: the mean of the initial adapters, which needs no search.

Source: model soups (arXiv 2203.05482), "uniform soup"; LoRA adapters are averaged element by element, as a search with
merge Elementwise adds them. In a search with merge Exact, their products are averaged.
"""

from typing import ClassVar

from swarm_core.blocks.settings import Settings


class UniformSoup:
    """The mean of the initial generators."""

    revision: ClassVar[int] = 1
    trainer: ClassVar[str] = "swarm_trainer.rivals.uniform_soup:carry_out"
    spends_budget: ClassVar[bool] = False
    settings: ClassVar[type[Settings]] = Settings

    @classmethod
    def from_settings(cls, settings: Settings) -> "UniformSoup":
        return cls()
