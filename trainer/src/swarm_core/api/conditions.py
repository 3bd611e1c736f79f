"""The conditions of a run, in the shape that kubectl wait, Argo CD, Flux and kstatus understand.

kstatus reads three of them with a fixed meaning. `Reconciling` is True while there is work to do. `Stalled` is True
while a person must act. `Ready` is True after the run has succeeded. The other conditions are specific to dataswarm.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, Strict

from swarm_core.blocks.block import Block
from swarm_core.blocks.scalars import Integer, Pattern


class ConditionType(StrEnum):
    """The types of condition."""

    READY = "Ready"
    """The results exist."""
    RECONCILING = "Reconciling"
    """The engine is working toward the results."""
    STALLED = "Stalled"
    """The engine cannot continue until a person changes something."""
    SUCCEEDED = "Succeeded"
    """Whether the run succeeded; Unknown until it has ended."""
    SUSPENDED = "Suspended"
    """The user has suspended the run. Nothing is launched."""
    VALIDATED = "Validated"
    """The spec can be run on this cluster."""


class ConditionStatus(StrEnum):
    """Whether a condition holds, in the terms of Kubernetes."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Block):
    """One condition, in the shape of metav1.Condition."""

    model_config = ConfigDict(extra="ignore")

    type: Annotated[str, Strict(), Field(min_length=1, max_length=316)]
    """Type of the condition."""
    status: ConditionStatus
    """Whether the condition holds: True, False or Unknown."""
    reason: Annotated[
        str, Strict(), Field(max_length=256), Pattern("[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?", "write it in CamelCase")
    ]
    """Reason for the status, as one CamelCase word."""
    message: Annotated[str, Strict(), Field(max_length=1024)]
    """Reason for the status, in words."""
    last_transition_time: Annotated[str, Strict(), Field(max_length=64)]
    """Time at which the status last changed, in RFC 3339 format."""
    observed_generation: Integer | None = None
    """Generation of the spec that the condition is based on."""
