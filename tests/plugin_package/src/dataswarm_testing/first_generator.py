"""A rival: the first initial generator, as it is. It needs no budget."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from swarm_core import part_config

if TYPE_CHECKING:  # the half that uses models runs in the trainer alone
    from swarm_trainer.rivals.rival_context import FinalData, RivalContext


class FirstGenerator:
    """Writes with the first initial generator."""

    trainer = "dataswarm_testing.first_generator:carry_out"
    spends_budget = False


def make_rival(config: Mapping[str, object]) -> FirstGenerator:
    """Takes no config. Raises BadInputError for any."""
    part_config.check_fields("rival first-generator", config, ())
    return FirstGenerator()


def carry_out(_: FirstGenerator, context: "RivalContext") -> "FinalData":
    """Have the first initial generator write the final items."""
    return context.write_final(context.setup.initial_recipes[0])
