"""The student: a model that is trained on the data found, on the initial data and on seed data, and compared.

Limits: the student is the base model with a new adapter.
"""

from pydantic import Field

from swarm_core.api.generators import LoraTraining
from swarm_core.blocks.block import Block
from swarm_core.blocks.data_source import DataSet
from swarm_core.blocks.scalars import Integer


class Student(Block):
    """The training of a student on questions with right answers, at equal tokens for each data set."""

    training: LoraTraining = LoraTraining()
    """Training of a student. All students have the same."""
    seeds: Integer = Field(3, ge=3, le=32)
    """Number of students that each data set trains. They differ in the seed of the training alone."""
    test: DataSet | None = None
    """Test set with the items that students are compared on. If absent, the held-out seed items."""
    items: Integer = Field(500, ge=8, le=10_000)
    """Maximum number of test items. Of more items, a random sample is taken."""
