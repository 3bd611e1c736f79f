"""Carries out the few-shot base: the base model answers the prompts of generators."""

from swarm_core import recipe
from swarm_core.rivals.few_shot_base import FewShotBase
from swarm_trainer.rivals.rival_context import FinalData, RivalContext


def carry_out(_: FewShotBase, context: RivalContext) -> FinalData:
    """Have the bare base model write the final items."""
    space = context.setup.space
    return context.write_final(recipe.build_single(space.base, dtype=space.dtype))
