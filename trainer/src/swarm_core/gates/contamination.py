"""The gate that rejects items which share their words with a named test set, because data that repeats a benchmark
spoils what the benchmark measures.

An item is contaminated if it is an item of a test set in any spelling (`swarm_core.canonical_items`, where the judge's
own form counts, too), or if at least the share `overlap` of its word n-grams, or of those of the test item if it has
fewer, are the test item's (`swarm_core.ngram_index`). With `similarity`, near copies are contaminated, too.

Sources: word n-grams are the measure of GPT-3 (arXiv 2005.14165, 13 words), HELM, the LM Evaluation Harness, Tülu 3
(arXiv 2411.15124, 8 words and half of a test item) and Open R1 (8 words). The default values are measured
(`docs/decisions/0030-contamination-is-a-share-of-word-8-grams.md`).

Limits: it finds no paraphrase and no translation. Of texts with fewer than `ngramSize` words, only copies of the whole
text are found. The text of an item is compared, and not its choices or its reference.
"""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from swarm_core.blocks.data_source import MAX_DATA_SETS, DataSet
from swarm_core.blocks.scalars import Integer, Number
from swarm_core.gates.copy_settings import CopySettings
from swarm_core.gates.gate_context import GateContext, ItemSet
from swarm_core.items import Item
from swarm_core.ports import Reply, Request


class ContaminationSettings(CopySettings):
    """The test sets, and how much an item may share with them."""

    test_sets: Annotated[tuple[DataSet, ...], Field(min_length=1, max_length=MAX_DATA_SETS)]
    """Test sets whose items must not be generated."""
    ngram_size: Integer = Field(8, ge=1, le=50)
    """Number of consecutive words that are compared. Of a shorter text, only copies of the whole text are found."""
    overlap: Number = Field(0.2, gt=0, le=1)
    """Least share of n-grams that an item has in common with one test item, above 0 to 1, for it to be rejected. The
    share is of the n-grams of the shorter of both."""

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"testSets": [{"uri": "data/test.jsonl"}, {"uri": "data/more.jsonl"}]},
        {
            "testSets": [
                {"name": "gsm8k", "uri": "data/gsm8k", "split": "test", "maxItems": 5000},
                {"uri": "data/test.csv", "fields": {"text": "question"}},
            ],
            "ngramSize": 13,
            "overlap": 0.5,
            "similarity": 0.9,
        },
    )


class ContaminationGate:
    """Rejects items that share their words with an item of a named test set."""

    revision: ClassVar[int] = 2
    name: ClassVar[str] = "Contamination"
    settings: ClassVar[type[ContaminationSettings]] = ContaminationSettings

    def __init__(
        self, test_sets: Sequence[ItemSet], ngram_size: int, overlap: float, similarity: float | None = None
    ) -> None:
        self.test_sets = test_sets
        self.ngram_size = ngram_size
        self.overlap = overlap
        self.similarity = similarity

    @classmethod
    def from_settings(cls, settings: ContaminationSettings, context: GateContext) -> "ContaminationGate":
        """Return the gate for the test sets of `context`."""
        return cls(context.data, settings.ngram_size, settings.overlap, settings.similarity)

    def requests(self, item: Item) -> tuple[Request, ...]:
        """No requests, because the gate only compares texts."""
        return ()

    def refusal(self, item: Item, replies: Sequence[Reply] = ()) -> str | None:
        """Return which item of which test set `item` repeats; None if it repeats none."""
        for test_set in self.test_sets:
            if found := test_set.items.find(item, self.similarity):
                return f"copies {found.text[:80]!r} of {test_set.name}"
            overlap = test_set.index_ngrams(self.ngram_size).find(item.text)
            if overlap is not None and overlap.share >= self.overlap:
                text = test_set.items.items[overlap.place].text[:80]
                return f"shares {overlap.share:.0%} of its {self.ngram_size}-grams with {text!r} of {test_set.name}"
        return None
