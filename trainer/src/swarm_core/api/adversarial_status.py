"""The status of an AdversarialRun: that of a SwarmRun in the words of a game. Capped and lenient like that one."""

from typing import Annotated

from pydantic import Field, Strict

from swarm_core.api.conditions import Condition
from swarm_core.api.scalars import Integer, Number
from swarm_core.api.status import CONDITION_ROWS, HISTORY_ROWS, MESSAGE_CHARACTERS, Counts, Sha256, Short, StatusBlock


class Improvement(StatusBlock):
    """One side at the end against itself at the start, on items that no round has seen."""

    value: Number
    """The difference."""
    low: Number
    """Lower end of its 95 % interval."""
    high: Number
    """Upper end of its 95 % interval."""


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


class AdversarialRunStatus(StatusBlock):
    """How far a run is."""

    phase: Short | None = None
    """Where the run stands: Pending, Preparing, Seeding, Iterating, Concluding, Succeeded or Failed."""
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
    spec_digest: Sha256 | None = None
    """Digest of the experiment as written."""
    experiment_digest: Sha256 | None = None
    """Digest of the experiment with every path replaced by what it holds."""
    observed_generation: Integer | None = None
    """Generation of the spec that this status answers to."""
    message: Annotated[str, Strict(), Field(max_length=MESSAGE_CHARACTERS)] | None = None
    """What goes on, or why it failed, in one line."""
    started_at: Short | None = None
    """When work began, RFC 3339."""
    finished_at: Short | None = None
    """When the run ended, RFC 3339."""
    history: Annotated[tuple[RoundRow, ...], Field(max_length=HISTORY_ROWS)] = ()
    """The latest rounds."""
    counts: Counts | None = None
    """What came of the items."""
    conditions: Annotated[
        tuple[Condition, ...],
        Field(
            max_length=CONDITION_ROWS,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        ),
    ] = ()
    """Facts about the run, for people and for tools that wait: Ready, Reconciling, Stalled and more."""
