"""Random search at the budget of the search: what its optimizer has to beat."""

from typing import ClassVar

from swarm_core.blocks.settings import Settings
from swarm_core.optimizers import random_search
from swarm_core.rivals import other_optimizer
from swarm_core.rivals.other_optimizer import OtherOptimizer


class RandomSearch(OtherOptimizer):
    """A search at random positions."""

    revision: ClassVar[int] = 1
    settings: ClassVar[type[Settings]] = other_optimizer.build_settings(random_search.RandomSearch)

    @classmethod
    def from_settings(cls, settings: Settings) -> "RandomSearch":
        return cls(random_search.RandomSearch(**settings.model_dump()))
