"""The data that some objectives need beside the items of generators, in the block of the objective."""

from enum import StrEnum

from pydantic import Field

from swarm_core.api.generators import SeedDataSource
from swarm_core.blocks.block import Block
from swarm_core.blocks.data_source import SeedFields
from swarm_core.blocks.scalars import Integer, Line, Uri


class ReferenceData(Block):
    """The reference set: items that every taker answers once. The answers are stored and never asked for again."""

    uri: Uri | None = None
    """File or folder with the items, in a format of seed data. If absent, the items are the held-out seed items."""
    split: Line | None = None
    """Split to read, as of seed data."""
    fields: SeedFields | None = None
    """Fields of a record that an item is made from. If absent, they are found by their usual names."""
    items: Integer = Field(200, ge=8, le=10_000)
    """Maximum number of items. Of more items, a random sample is taken."""

    @property
    def source(self) -> SeedDataSource | None:
        """How the file is read; None if there is none."""
        if self.uri is None:
            return None
        return SeedDataSource(uri=self.uri, split=self.split, fields=self.fields, max_items=self.items)


class SimilarityForm(StrEnum):
    """The measures of similarity between an item and a document."""

    BM25 = "Bm25"
    """The BM25 score."""
    MATCHED_WORDS = "MatchedWords"
    """The BM25 score times the share of the item's words that the document has."""


class CorpusData(Block):
    """The corpus: documents that items shall be similar to, such as the questions of one user."""

    uri: Uri
    """File or folder with the documents, in a format of seed data."""
    split: Line | None = None
    """Split to read, as of seed data."""
    fields: SeedFields | None = None
    """Fields of a record that a document is made from. If absent, they are found by their usual names."""
    max_items: Integer = Field(20_000, ge=1, le=1_000_000)
    """Maximum number of documents. Of more, a random sample is taken."""
    neighbors: Integer = Field(5, ge=1, le=100)
    """Number of documents that an item is compared with: those with the highest scores."""
    max_words: Integer = Field(64, ge=4, le=10_000)
    """Number of words beyond which an item earns nothing more by its length."""
    form: SimilarityForm = Field(SimilarityForm.BM25, exclude_if=lambda form: form is SimilarityForm.BM25)
    """Measure of similarity to one document: Bm25 is the score of the released code, MatchedWords multiplies it by the
    share of the item's words that the document has, so that a list of keywords earns little."""

    @property
    def source(self) -> SeedDataSource:
        """How the file is read."""
        return SeedDataSource(uri=self.uri, split=self.split, fields=self.fields, max_items=self.max_items)
