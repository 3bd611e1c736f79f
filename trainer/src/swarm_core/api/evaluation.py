"""How particles are measured during the search, and the winner after it."""

from pydantic import Field

from swarm_core.api.block import Block
from swarm_core.api.scalars import Integer, Number


class FinalMeasurement(Block):
    """The measurement that is reported."""

    items: Integer = Field(200, ge=4, le=10_000)
    """Fresh items per generator and seed."""
    seeds: Integer = Field(3, ge=1, le=32)
    """Independent repetitions."""


class Evaluation(Block):
    """How generators are measured."""

    items: Integer = Field(40, ge=4, le=10_000)
    """Items asked for in one measurement of the search."""
    coverage: Number = Field(0.95, gt=0, le=1)
    """Least share of answers that must be scored; below it the measurement fails."""
    reserve: Number = Field(0.15, ge=0, le=0.9)
    """Share of the search budget kept for the final choice."""
    finalists: Integer = Field(8, ge=2, le=64)
    """Candidates among which the final choice is made."""
    final: FinalMeasurement = FinalMeasurement()
    """The measurement that is reported: the best generator against the best it started with, on fresh items."""
