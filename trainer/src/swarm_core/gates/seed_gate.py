"""The gate that rejects copies of seed items and of documents of the corpus, because an item that the run started with
is not new.

A copy is an item of the seed data, other than the held-out items, in any spelling (`swarm_core.canonical_items`), and a
near copy if the settings say so. The examples that a prompt shows are seed items, so a copy of a shown example is
rejected, too. A run whose seed data is the pool that items shall come from can restrict the gate to the examples that
the request of the item showed.

Limits: it does not find paraphrases.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar

from swarm_core.gates.copy_settings import CopySettings
from swarm_core.gates.gate_context import GateContext
from swarm_core.item_index import ItemIndex
from swarm_core.items import Item
from swarm_core.ports import Judge, Reply, Request


class KnownItems(StrEnum):
    """The items whose copies are rejected."""

    SEEDS = "Seeds"
    EXAMPLES = "Examples"


class SeedSettings(CopySettings):
    """The items whose copies are rejected."""

    against: KnownItems = KnownItems.SEEDS
    """Items whose copies are rejected: Seeds for all seed items and for the documents of the objective's corpus,
    Examples for the seed items that the prompt of the item showed."""


class SeedGate:
    """Rejects copies of seed items, of the examples that the prompt showed, and of documents of the corpus."""

    revision: ClassVar[int] = 3
    name: ClassVar[str] = "Seed"
    settings: ClassVar[type[SeedSettings]] = SeedSettings

    def __init__(
        self,
        seeds: ItemIndex,
        examples: Sequence[tuple[Item, ...]] = (),
        judge: Judge | None = None,
        similarity: float | None = None,
        corpus: ItemIndex | None = None,
    ) -> None:
        self.similarity = similarity
        self.corpus = ItemIndex() if corpus is None else corpus
        self.seeds = seeds
        self.examples = examples
        self.judge = judge
        self.shown: dict[int, ItemIndex] = {}

    @classmethod
    def from_settings(cls, settings: SeedSettings, context: GateContext) -> "SeedGate":
        """Return the gate for the seed items and the examples of `context`."""
        if settings.against is KnownItems.EXAMPLES:
            return cls(ItemIndex(), context.examples, context.judge, settings.similarity)
        return cls(context.seeds, context.examples, context.judge, settings.similarity, context.corpus)

    def requests(self, item: Item) -> tuple[Request, ...]:
        """No requests, because the gate only compares texts."""
        return ()

    def refusal(self, item: Item, replies: Sequence[Reply] = ()) -> str | None:
        """Return which item `item` copies; None if it copies none."""
        if found := self.list_shown(item.request).find(item, self.similarity):
            return f"copies an example of its prompt, {found.text[:80]!r}"
        if found := self.seeds.find(item, self.similarity):
            return f"copies the seed item {found.text[:80]!r}"
        if found := self.corpus.find(item, self.similarity):
            return f"copies the document {found.text[:80]!r} of the corpus"
        return None

    def list_shown(self, request: int) -> ItemIndex:
        """Return the examples that a request showed."""
        if request not in self.shown:
            self.shown[request] = ItemIndex(self.examples[request] if request < len(self.examples) else (), self.judge)
        return self.shown[request]
