"""Conditions: facts about a run, in the shape that kubectl wait, Argo CD, Flux and kstatus understand.

kstatus reads three of them with a fixed meaning. `Reconciling` is True while there is work to do, `Stalled` while a
person must act, and both go away afterwards; `Ready` is True once the run has succeeded. The others are ours.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, Strict

from swarm_core.api.block import Block
from swarm_core.api.scalars import Integer, Shape


class ConditionType(StrEnum):
    """The facts."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    VALIDATED = "Validated"
    SUCCEEDED = "Succeeded"
    SUSPENDED = "Suspended"


class Truth(StrEnum):
    """Whether a fact holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Reason(StrEnum):
    """Why a condition has its status."""

    PENDING = "Pending"
    PREPARING = "Preparing"
    SEEDING = "Seeding"
    ITERATING = "Iterating"
    CONCLUDING = "Concluding"
    SUCCEEDED = "Succeeded"
    BAD_INPUT = "BadInput"
    ATTEMPTS_EXHAUSTED = "AttemptsExhausted"
    INPUTS_PINNED = "InputsPinned"
    SUSPENDED = "Suspended"
    RESUMED = "Resumed"


MESSAGES = {
    Reason.PENDING: "waiting to begin",
    Reason.PREPARING: "reading and pinning the inputs",
    Reason.SEEDING: "training the initial generators",
    Reason.ITERATING: "the swarm moves",
    Reason.CONCLUDING: "measuring the best generators on fresh items",
    Reason.SUCCEEDED: "the result is written",
    Reason.BAD_INPUT: "the input cannot work; see the message of the status",
    Reason.ATTEMPTS_EXHAUSTED: "a piece of work failed in every attempt; see the message of the status",
    Reason.INPUTS_PINNED: "every input is pinned by its digest",
    Reason.SUSPENDED: "paused by spec.suspend; set it to false to go on",
    Reason.RESUMED: "not paused",
}
"""What to say where nothing more is known."""


class Condition(Block):
    """One fact, in the shape of metav1.Condition."""

    model_config = ConfigDict(extra="ignore")

    type: Annotated[str, Strict(), Field(min_length=1, max_length=316)]
    """Name of the fact."""
    status: Truth
    """Whether it holds."""
    reason: Annotated[
        str, Strict(), Field(max_length=256), Shape("[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?", "write it in CamelCase")
    ]
    """Why, in one CamelCase word."""
    message: Annotated[str, Strict(), Field(max_length=1024)]
    """Why, in words."""
    last_transition_time: Annotated[str, Strict(), Field(max_length=64)]
    """When the status last changed, RFC 3339."""
    observed_generation: Integer | None = None
    """Generation of the spec that was looked at."""
