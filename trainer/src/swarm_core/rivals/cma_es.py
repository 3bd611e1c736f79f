"""CMA-ES at the budget of the search."""

from typing import ClassVar

from swarm_core.blocks.settings import Settings
from swarm_core.optimizers import cma_es
from swarm_core.rivals import other_optimizer
from swarm_core.rivals.other_optimizer import OtherOptimizer


class CmaEs(OtherOptimizer):
    """A search with CMA-ES."""

    revision: ClassVar[int] = 1
    settings: ClassVar[type[Settings]] = other_optimizer.build_settings(cma_es.CmaEs)

    @classmethod
    def from_settings(cls, settings: Settings) -> "CmaEs":
        return cls(cma_es.CmaEs(**settings.model_dump()))
