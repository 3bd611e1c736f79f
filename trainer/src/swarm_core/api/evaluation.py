"""The settings of measurements: those of particles during the search, and that of the winner after it."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from swarm_core.api.rivals import RIVALS_RULE, Rivals
from swarm_core.api.student import Student
from swarm_core.api.takers import Taker
from swarm_core.blocks.block import Block, Rule
from swarm_core.blocks.scalars import Integer, Number


class FinalMeasurement(Block):
    """The measurement that results report."""

    items: Integer = Field(200, ge=4, le=10_000)
    """Number of fresh items per generator and seed."""
    seeds: Integer = Field(3, ge=1, le=32)
    """Number of independent repetitions."""


class Evaluation(Block):
    """The measurement of generators."""

    items: Integer = Field(40, ge=4, le=10_000)
    """Number of items requested in one measurement during the search."""
    coverage: Number = Field(0.95, gt=0, le=1)
    """Minimum share of answers that must be scored. Below it, the measurement fails. One answer may always be missing,
    unless the share is 1."""
    reserve: Number = Field(0.15, ge=0, le=0.9)
    """Share of the search budget that is reserved for the final choice."""
    finalists: Integer = Field(8, ge=2, le=64)
    """Number of candidates in the final choice."""
    final: FinalMeasurement = FinalMeasurement()
    """The measurement that results report: the best generator against the best initial generator, on fresh items."""
    unseen: Annotated[tuple[Taker, ...], Field(max_length=16)] = Field((), exclude_if=lambda takers: not takers)
    """Takers that the search never asks. They answer the items of the final measurement, so the result says whether the
    gain transfers to them."""
    rivals: Rivals = Field((), exclude_if=lambda rivals: not rivals)
    """Other ways to get a data set for the budget of the search. Each is measured on fresh items, and the report
    compares the best generator with it."""

    student: Student | None = Field(None, exclude_if=lambda student: student is None)
    """Student that is trained on the data found, on the initial data and on seed data. If absent, none is trained."""

    rules: ClassVar[tuple[Rule[Any], ...]] = (RIVALS_RULE,)
