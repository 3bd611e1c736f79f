"""The status of a SwarmRun: what `kubectl get` and `dataswarm status` show of a search."""

from typing import Annotated

from pydantic import Field

from swarm_core.api.run_status import HISTORY_ROWS, Difference, RunStatus, Sha256, ShortText, StatusBlock
from swarm_core.api.scalars import Integer, Number

PARTICLE_ROWS = 64


class Best(StatusBlock):
    """The best generator so far; once concluded, the one that was chosen."""

    value: Number
    """Its fitness, as the search estimates it; once concluded, that of the generator chosen, on fresh items."""
    particle: ShortText | None = None
    """Name of the particle that found it."""
    recipe: Sha256 | None = None
    """Name of its recipe."""


class Gain(Difference):
    """Best generator found minus best initial generator, on fresh items."""


class ParticleRow(StatusBlock):
    """One particle."""

    name: ShortText
    """Name of the particle."""
    fitness: Number | None = None
    """Its fitness in the last iteration; absent until measured."""


class HistoryRow(StatusBlock):
    """One iteration."""

    iteration: Integer
    """Number of the iteration, from 0."""
    best: Number
    """Best fitness so far."""
    mean: Number
    """Mean fitness of the particles."""


class SwarmRunStatus(RunStatus):
    """How far a run is."""

    iteration: Integer | None = None
    """Iterations committed."""
    iterations: Integer | None = None
    """Most iterations of the search."""
    best: Best | None = None
    """The best particle so far."""
    initial: Number | None = None
    """Fitness of the best initial generator, as searched."""
    gain: Gain | None = None
    """Best generator found minus best initial generator, on fresh items."""
    particles: Annotated[tuple[ParticleRow, ...], Field(max_length=PARTICLE_ROWS)] = ()
    """The particles as they stand."""
    history: Annotated[tuple[HistoryRow, ...], Field(max_length=HISTORY_ROWS)] = ()
    """The latest iterations."""
