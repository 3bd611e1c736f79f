"""The status of an AdversarialRun: that of a SwarmRun in the words of a game. Capped and lenient like that one."""

from typing import Annotated

from pydantic import Field

from swarm_core.api.run_status import HISTORY_ROWS, Difference, RunStatus, StatusBlock
from swarm_core.api.scalars import Integer, Number


class Improvement(Difference):
    """One side at the end against itself at the start, on items that no round has seen."""


class RoundRow(StatusBlock):
    """One round."""

    round: Integer
    """Number of the round, from 0."""
    difficulty: Number
    """Of the best generator, for the takers it faced."""
    taker_score: Number | None = None
    """Of the best taker, on the pool; absent until takers have moved."""
    held_out_score: Number | None = None
    """Of the best taker, on held-out items."""


class AdversarialRunStatus(RunStatus):
    """How far a run is."""

    round: Integer | None = None
    """The round in play, or the last one."""
    rounds: Integer | None = None
    """Most rounds of the game."""
    difficulty: Number | None = None
    """Of the best generator, for the takers it last faced."""
    taker_score: Number | None = None
    """Mean score of the best taker on the pool."""
    held_out_score: Number | None = None
    """Mean score of the best taker on held-out items: watched, never selected by."""
    takers: Improvement | None = None
    """The final taker against the best initial one, on held-out items."""
    history: Annotated[tuple[RoundRow, ...], Field(max_length=HISTORY_ROWS)] = ()
    """The latest rounds."""
