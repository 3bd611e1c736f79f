"""The blocks that name data to read: where it is, which split is read, and from which fields items are made."""

from typing import ClassVar

from pydantic import Field

from swarm_core.blocks.block import Block
from swarm_core.blocks.scalars import Integer, Line, Uri

TEST_SPLIT = "\n"
"""Stands for the test split of data: the one that is named so, or the only one. A user cannot write it, because a
`Line` has no line end."""
MAX_DATA_SETS = 16
"""The maximum number of data sets of one part."""


class SeedFields(Block):
    """The fields of a record that an item is made from.

    A field is a name, a path with dots such as `meta.question` or `answers.0`, or a JSON pointer such as `/a.b/0`.
    """

    text: Line
    """Field that holds the text of the item. If it is a list of chat messages, the first user message is the text, and
    the reply to it is the reference."""
    input: Line | None = None
    """Field with further text, such as the input of an instruction. It follows the text after a blank line."""
    reference: Line | None = None
    """Field that holds the correct answer: a string, a number or a boolean."""
    choices: Line | None = None
    """Field that lists the answers to choose from. A reference that is a number, or a letter, is then a place in it."""


class DataSource(Block):
    """A data set: where it is, and how its records are read."""

    uri: Uri
    """File or folder with items, as JSON Lines, JSON, CSV, TSV or Parquet: a path, s3://BUCKET/KEY or
    hf://datasets/ORG/NAME@REVISION/PATH. JSON, CSV and TSV may be compressed by gzip, bzip2, xz or Zstandard."""
    split: Line | None = None
    """Split to read, of a JSON document or of a folder."""
    fields: SeedFields | None = None
    """Fields of a record that an item is made from. If absent, they are found by their usual names."""
    max_items: Integer = Field(20_000, ge=1, le=1_000_000)
    """Maximum number of items."""

    is_shown: ClassVar[bool] = True
    """Whether prompts show the items, so that each must come back from a list, and a sample of them may do."""

    @property
    def wanted_split(self) -> str | None:
        """The split to read; None if it is the only one, or the one for training."""
        return self.split


class DataSet(DataSource):
    """A data set that a part compares items with. All its items are read, and none is ever shown."""

    name: Line | None = None
    """Name of the data set in messages. If absent, its place in the list."""
    split: Line | None = None
    """Split to read, of a JSON document or of a folder. If absent, the test split, or the only one."""
    max_items: Integer = Field(200_000, ge=1, le=1_000_000)
    """Maximum number of items. A larger data set is refused, because a sample would let copies pass."""

    is_shown: ClassVar[bool] = False

    @property
    def wanted_split(self) -> str | None:
        """The split to read: the one that is named, or else the test split."""
        return self.split or TEST_SPLIT
