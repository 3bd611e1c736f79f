"""What a gate may use to decide about the items of one measurement, besides the items themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

from swarm_core.items import Item
from swarm_core.ports import Judge


@dataclass(frozen=True, slots=True)
class GateContext:
    """The surroundings of one measurement, which a gate gets when it is built."""

    judge: Judge
    """The judge of the run."""
    seeds: tuple[Item, ...] = ()
    """The seed items, from which the examples in prompts are drawn."""
    held_out: frozenset[Item] = frozenset()
    """The seed items that no generator was trained on and no prompt shows."""
    examples: Sequence[tuple[Item, ...]] = ()
    """The examples that each prompt of this measurement showed, [request][example]; `Item.request` is the index. It
    grows with every round, before the items of the round reach a gate."""
