"""The status of a SwarmRun, which `kubectl get` and `dataswarm status` show."""

from typing import Annotated

from pydantic import Field

from swarm_core.api.run_status import HISTORY_ROWS, Answers, Difference, RunStatus, Sha256, ShortText, StatusBlock
from swarm_core.blocks.scalars import Integer, Number

PARTICLE_ROWS = 64
VALUE_ROWS = 8


class Best(StatusBlock):
    """The best generator so far. After the run has concluded, the generator that was chosen."""

    value: Number
    """Fitness as the search estimates it. After the run has concluded, the fitness of the chosen generator on fresh
    items. Of a Pareto front, its hypervolume; particle and recipe are those of its knee."""
    particle: ShortText | None = None
    """Name of the particle that found the generator."""
    recipe: Sha256 | None = None
    """Digest that names the recipe of the generator."""


class ValueRow(StatusBlock):
    """One value of several objectives."""

    name: ShortText
    """Name of the term."""
    value: Number
    """Value of its objective, before it is scaled."""


class Gain(Difference):
    """The value of the best generator minus that of the best initial generator, on fresh items. Of a Pareto front, the
    hypervolume of its knee and ends minus that of the initial generators' knee and ends."""


class ParticleRow(StatusBlock):
    """The state of one particle."""

    name: ShortText
    """Name of the particle."""
    fitness: Number | None = None
    """Fitness in the last iteration. Absent if the particle has no score."""


class HistoryRow(StatusBlock):
    """The scores of one iteration."""

    iteration: Integer
    """Number of the iteration, from 0."""
    best: Number
    """Best fitness up to this iteration."""
    mean: Number
    """Mean fitness of the particles."""


class SwarmRunStatus(RunStatus):
    """The status of a SwarmRun."""

    iteration: Integer | None = None
    """Current iteration, or the last iteration if the search has ended."""
    iterations: Integer | None = None
    """Maximum number of iterations of the search."""
    best: Best | None = None
    """Best generator so far."""
    values: Annotated[tuple[ValueRow, ...], Field(max_length=VALUE_ROWS)] | None = None
    """Values of the best generator in several objectives. Absent if one objective is maximized."""
    initial: Number | None = None
    """Fitness of the best initial generator, as the search estimates it."""
    gain: Gain | None = None
    """Value of the best generator minus that of the best initial generator, on fresh items."""
    answers: Answers | None = None
    """Numbers of answers by fate."""
    particles: Annotated[tuple[ParticleRow, ...], Field(max_length=PARTICLE_ROWS)] = ()
    """Particles with their fitness in the last iteration."""
    history: Annotated[tuple[HistoryRow, ...], Field(max_length=HISTORY_ROWS)] = ()
    """Scores of the latest iterations."""
