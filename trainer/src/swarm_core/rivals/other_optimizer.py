"""A rival that searches with another optimizer: same space, same measurements, same budget, same final choice."""

from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import create_model

from swarm_core.api import optimizer_blocks
from swarm_core.blocks.settings import Settings
from swarm_core.optimizers.optimizer import Optimizer


def build_settings(kind: type[Optimizer[Any]]) -> type[Settings]:
    """Return the settings of a rival: the constants of its optimizer."""
    fields: dict[str, Any] = optimizer_blocks.build_constant_fields(kind)
    about = f"Constants of optimizer {kind.name}."
    return create_model(f"{kind.name}Settings", __base__=Settings, __module__=__name__, __doc__=about, **fields)


@dataclass(frozen=True, slots=True)
class OtherOptimizer:
    """A rival that searches with another optimizer."""

    trainer: ClassVar[str] = "swarm_trainer.rivals.other_optimizer:carry_out"
    spends_budget: ClassVar[bool] = True

    optimizer: Optimizer[Any]
