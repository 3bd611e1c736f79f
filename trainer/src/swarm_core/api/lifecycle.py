"""When a run ends though its search would go on, and what then becomes of it.

Outside the identity: a longer search begins with the shorter one.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, Strict

from swarm_core.api.block import Block
from swarm_core.api.scalars import Flag, Pattern, normalize_zero, to_integer

Count = Annotated[int, Strict(), Field(ge=0, le=1000), BeforeValidator(to_integer)]
Seconds = Annotated[int, Strict(), Field(ge=1, le=31_536_000), BeforeValidator(to_integer)]
Limit = Annotated[int, Strict(), Field(ge=1, le=1_000_000_000), BeforeValidator(to_integer)]
Delay = Annotated[int, Strict(), Field(ge=0, le=31_536_000), BeforeValidator(to_integer)]
Hours = Annotated[float, Strict(), Field(ge=0, le=1_000_000), BeforeValidator(normalize_zero)]
RerunToken = Annotated[
    str, Strict(), Field(max_length=64), Pattern("[-A-Za-z0-9_.:]*", "use letters, digits, '-', '_', '.' and ':'")
]
"""A word that means something only by being another one than before."""


class DeletionPolicy(StrEnum):
    """What becomes of the results of a run that is deleted from a cluster."""

    RETAIN = "Retain"
    PURGE = "Purge"


class Lifecycle(Block):
    """How long a run of any kind goes on, and what becomes of it."""

    suspend: Flag = False
    """Whether the run pauses at the next safe point and gives back what it holds."""
    stop_after: Count | None = None
    """Iterations, or rounds of a game, after which a run on a cluster ends early and is concluded with what it has."""
    deadline_seconds: Seconds | None = None
    """Seconds after its start at which a run on a cluster fails if it is not over, time suspended included."""
    ttl_seconds_after_finished: Delay | None = None
    """Seconds after its end at which a run is deleted from a cluster."""
    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN
    """What becomes of the results when a run is deleted from a cluster: Retain leaves the bucket alone; with Purge all
    that the run keeps there is deleted first, best adapter and data set too."""
    rerun: RerunToken | None = None
    """A word of your choice: changing it lets a failed run on a cluster try again from where it failed."""


class AcceleratorBudget(Block):
    """What a run may hold on a cluster."""

    gpu_hours: Hours | None = None
    """Accelerator-hours after which no further iteration begins on a cluster: the run concludes with its best so far,
    and fails if there is none."""


class Budget(AcceleratorBudget):
    """What a run may use. When calls or tokens are used up it stops, and goes on when the budget is raised."""

    calls: Limit | None = None
    """Requests sent to endpoints over the whole run; one that is sent again counts once, an answer kept not at all."""
    tokens: Limit | None = None
    """Tokens of prompts and answers over the whole run, as endpoints count them; what is under way may go beyond it."""
