"""The status of an AdversarialRun. Like that of a SwarmRun, it has maximum sizes and ignores unknown fields."""

from typing import Annotated

from pydantic import Field

from swarm_core.api.run_status import HISTORY_ROWS, Answers, Difference, RunStatus, StatusBlock
from swarm_core.blocks.scalars import Integer, Number


class Improvement(Difference):
    """The improvement of one side from start to end, measured on items that no round has used."""


class RoundRow(StatusBlock):
    """The scores of one round."""

    round: Integer
    """Number of the round, from 0."""
    difficulty: Number
    """Difficulty of the best generator for its opponents."""
    taker_score: Number | None = None
    """Mean score of the best taker on the pool. Absent until the takers have moved."""
    held_out_score: Number | None = None
    """Mean score of the best taker on held-out items."""


class AdversarialRunStatus(RunStatus):
    """The status of an AdversarialRun."""

    round: Integer | None = None
    """Current round, or the last round if the run has ended."""
    rounds: Integer | None = None
    """Maximum number of rounds."""
    difficulty: Number | None = None
    """Difficulty of the best generator for its latest opponents."""
    taker_score: Number | None = None
    """Mean score of the best taker on the pool."""
    held_out_score: Number | None = None
    """Mean score of the best taker on held-out items. It is only shown and never used for selection."""
    takers: Improvement | None = None
    """Score of the final taker minus that of the best initial taker, on held-out items."""
    answers: Answers | None = None
    """Numbers of answers by fate, of fixed opponents and of moving takers."""
    history: Annotated[tuple[RoundRow, ...], Field(max_length=HISTORY_ROWS)] = ()
    """Scores of the latest rounds."""
