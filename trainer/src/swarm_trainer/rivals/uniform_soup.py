"""Carries out the uniform soup: the model in the middle of the initial adapters."""

from swarm_core.rivals.uniform_soup import UniformSoup
from swarm_trainer.rivals.rival_context import FinalData, RivalContext


def carry_out(_: UniformSoup, context: RivalContext) -> FinalData:
    """Have the mean of the initial adapters write the final items."""
    plan = context.setup.plan
    position = (1 / plan.basis,) * (plan.basis * plan.groups)
    return context.write_final(context.setup.space.recipe(position))
