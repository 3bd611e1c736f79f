"""What a gate may use to decide about the items of one measurement, besides the items themselves."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from swarm_core.item_index import ItemIndex
from swarm_core.items import Item, get_texts
from swarm_core.ngram_index import NgramIndex
from swarm_core.ports import Judge


class ItemSet:
    """Items of one data set, under a name, with the indices that gates search. Each index is made once."""

    def __init__(self, name: str, items: ItemIndex) -> None:
        self.name = name
        self.items = items
        self._ngrams: dict[int, NgramIndex] = {}

    def index_ngrams(self, size: int) -> NgramIndex:
        """Return the index of the word n-grams of the items. `size`: the number of words of an n-gram."""
        if size not in self._ngrams:
            self._ngrams[size] = NgramIndex(get_texts(self.items.items), size)
        return self._ngrams[size]


@dataclass(frozen=True, slots=True)
class GateContext:
    """The surroundings of one measurement, which a gate gets when it is built."""

    judge: Judge
    """The judge of the run."""
    seeds: ItemIndex = field(default_factory=ItemIndex)
    """The seed items, from which the examples in prompts are drawn."""
    held_out: ItemIndex = field(default_factory=ItemIndex)
    """The seed items that no generator was trained on and no prompt shows."""
    corpus: ItemIndex = field(default_factory=ItemIndex)
    """The documents that the objective compares items with; empty if it needs none."""
    examples: Sequence[tuple[Item, ...]] = ()
    """The examples that each prompt of this measurement showed, [request][example]; `Item.request` is the index. It
    grows with every round, before the items of the round reach a gate."""
    data: Sequence[ItemSet] = ()
    """The data sets that the spec names for this gate, in order. There are none while the gate is only checked."""
