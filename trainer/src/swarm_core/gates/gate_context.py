"""What a gate may use to decide about the items of one measurement, besides the items themselves."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from swarm_core.item_index import ItemIndex
from swarm_core.items import Item
from swarm_core.ports import Judge


@dataclass(frozen=True, slots=True)
class GateContext:
    """The surroundings of one measurement, which a gate gets when it is built."""

    judge: Judge
    """The judge of the run."""
    seeds: ItemIndex = field(default_factory=ItemIndex)
    """The seed items, from which the examples in prompts are drawn."""
    held_out: ItemIndex = field(default_factory=ItemIndex)
    """The seed items that no generator was trained on and no prompt shows."""
    examples: Sequence[tuple[Item, ...]] = ()
    """The examples that each prompt of this measurement showed, [request][example]; `Item.request` is the index. It
    grows with every round, before the items of the round reach a gate."""
