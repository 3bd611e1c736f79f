"""Candidates: the positions that an optimizer asks to be measured, and their scores."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from swarm_core.optimizers.positions import Position


class Purpose(StrEnum):
    """The reasons for measuring a position."""

    START = "Start"
    """The position may be an initial position of the search."""
    EXPLORE = "Explore"
    """The optimizer proposes the position: a particle moved there, or it was sampled."""
    REMEASURE = "Remeasure"
    """The position is measured again, to find out whether its high score was luck."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One position to measure."""

    name: str
    """Unique within an iteration and safe in a path: g00 initial generator, a03 analogy, c02 child, s07 random
    position, p04 explored position, b01 re-measured best."""
    position: Position
    purpose: Purpose


Result = tuple[Candidate, float | None]
"""A candidate and its score. None is a missing score, which carries no information."""


def explore(positions: Sequence[Position]) -> tuple[Candidate, ...]:
    """Return one candidate for each distinct position, named after the first index that has it.

    Measurements use common random numbers, so two particles at one position would count one measurement twice.
    """
    return tuple(
        Candidate(f"p{index:02d}", position, Purpose.EXPLORE)
        for index, position in enumerate(positions)
        if position not in positions[:index]
    )


def remeasure(positions: Iterable[Position]) -> tuple[Candidate, ...]:
    """Return one candidate for each position that is measured again, in the order given."""
    return tuple(Candidate(f"b{n:02d}", position, Purpose.REMEASURE) for n, position in enumerate(positions))


def match_scores(asked: Sequence[Candidate], fitness: Mapping[str, float | None]) -> tuple[Result, ...]:
    """Return every candidate with its score, in the order asked.

    Raises ValueError, which names the candidate, for a score that is absent, unknown or not finite.
    """
    names = {candidate.name for candidate in asked}
    for name in sorted(names.symmetric_difference(fitness)):
        problem = "has no entry; tell None if it has no score" if name in names else "was not asked in this iteration"
        raise ValueError(f"candidate {name} {problem}")
    for name, score in fitness.items():
        if score is not None and not math.isfinite(score):
            raise ValueError(f"score of candidate {name} is {score!r}: a score is finite; tell None for a missing one")
    return tuple((candidate, fitness[candidate.name]) for candidate in asked)
