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


@dataclass(frozen=True, slots=True)
class VectorScore:
    """The scores of one candidate on several objectives, for an optimizer that keeps a Pareto front."""

    values: tuple[float, ...]
    """[objective], scaled so that 0 is the lowest acceptable value."""
    errors: tuple[float, ...]
    """The standard error of each value."""


Fitness = float | VectorScore | None
"""What an optimizer is told about a candidate: its score, or one for each objective. None is a missing score."""
Result = tuple[Candidate, float | None]
"""A candidate and its score. None is a missing score, which carries no information."""
VectorResult = tuple[Candidate, VectorScore | None]
"""A candidate and its scores on several objectives. None is a missing score."""


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


def match_scores(asked: Sequence[Candidate], fitness: Mapping[str, Fitness]) -> tuple[Result, ...]:
    """Return every candidate with its score, in the order asked.

    Raises ValueError, which names the candidate, for a score that is absent, unknown, not finite or of several
    objectives.
    """
    _check_names(asked, fitness)
    return tuple((candidate, _read_number(candidate.name, fitness[candidate.name])) for candidate in asked)


def match_vectors(asked: Sequence[Candidate], fitness: Mapping[str, Fitness]) -> tuple[VectorResult, ...]:
    """Return every candidate with its scores on several objectives, in the order asked.

    Raises ValueError, which names the candidate, for scores that are absent, unknown, not finite, of one objective
    alone, or of another number of objectives than those of other candidates.
    """
    _check_names(asked, fitness)
    results = tuple((candidate, _read_vector(candidate.name, fitness[candidate.name])) for candidate in asked)
    sizes = {len(score.values) for _, score in results if score is not None}
    if len(sizes) > 1:
        raise ValueError(f"candidates have {sorted(sizes)} objectives: all candidates have the same objectives")
    return results


def _check_names(asked: Sequence[Candidate], fitness: Mapping[str, Fitness]) -> None:
    """Raise ValueError, which names the candidate, unless `fitness` has an entry for each candidate and no other."""
    names = {candidate.name for candidate in asked}
    for name in sorted(names.symmetric_difference(fitness)):
        problem = "has no entry; tell None if it has no score" if name in names else "was not asked in this iteration"
        raise ValueError(f"candidate {name} {problem}")


def _read_number(name: str, score: Fitness) -> float | None:
    if isinstance(score, VectorScore):
        raise ValueError(f"candidate {name} has scores on {len(score.values)} objectives: this optimizer takes one")
    if score is not None and not math.isfinite(score):
        raise ValueError(f"score of candidate {name} is {score!r}: a score is finite; tell None for a missing one")
    return score


def _read_vector(name: str, score: Fitness) -> VectorScore | None:
    if score is None:
        return None
    if not isinstance(score, VectorScore):
        raise ValueError(f"candidate {name} has one score, {score!r}: this optimizer takes one for each objective")
    if len(score.values) < 2 or len(score.errors) != len(score.values):
        raise ValueError(
            f"candidate {name} has {len(score.values)} values and {len(score.errors)} errors: give one of each for"
            " each of at least two objectives"
        )
    if not all(map(math.isfinite, (*score.values, *score.errors))) or min(score.errors) < 0:
        raise ValueError(f"scores of candidate {name} are {score!r}: they are finite, and no error is negative")
    return score
