"""Conditions: facts about a run, in the shape that kubectl wait, Argo CD, Flux and kstatus understand.

kstatus reads three of them with a fixed meaning. `Reconciling` is True while there is work to do, `Stalled` while a
person must act, and both go away afterwards; `Ready` is True once the run has succeeded. The others are ours.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, Strict

from swarm_core.api.block import Block
from swarm_core.api.scalars import Integer, Pattern


class ConditionType(StrEnum):
    """What a condition is about."""

    READY = "Ready"
    """The results exist."""
    RECONCILING = "Reconciling"
    """The engine works towards them."""
    STALLED = "Stalled"
    """It cannot, until somebody changes something."""
    SUCCEEDED = "Succeeded"
    """Unknown until the run is over."""
    SUSPENDED = "Suspended"
    """The user holds the run; nothing is launched."""
    VALIDATED = "Validated"
    """The spec can be carried out here."""


class ConditionStatus(StrEnum):
    """Whether a condition holds, in Kubernetes' words."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Block):
    """One fact, in the shape of metav1.Condition."""

    model_config = ConfigDict(extra="ignore")

    type: Annotated[str, Strict(), Field(min_length=1, max_length=316)]
    """Name of the fact."""
    status: ConditionStatus
    """Whether it holds."""
    reason: Annotated[
        str, Strict(), Field(max_length=256), Pattern("[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?", "write it in CamelCase")
    ]
    """Why, in one CamelCase word."""
    message: Annotated[str, Strict(), Field(max_length=1024)]
    """Why, in words."""
    last_transition_time: Annotated[str, Strict(), Field(max_length=64)]
    """When the status last changed, RFC 3339."""
    observed_generation: Integer | None = None
    """Generation of the spec that was looked at."""
