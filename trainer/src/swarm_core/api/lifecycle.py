"""The limits that end a run early, and the policies for a run that has ended.

They are not part of the identity, because a longer search starts with the same iterations as a shorter one.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, Strict

from swarm_core.blocks.block import Block
from swarm_core.blocks.scalars import Flag, Limit, Pattern, normalize_zero, to_integer

Count = Annotated[int, Strict(), Field(ge=0, le=1000), BeforeValidator(to_integer)]
Seconds = Annotated[int, Strict(), Field(ge=1, le=31_536_000), BeforeValidator(to_integer)]
Delay = Annotated[int, Strict(), Field(ge=0, le=31_536_000), BeforeValidator(to_integer)]
Hours = Annotated[float, Strict(), Field(ge=0, le=1_000_000), BeforeValidator(normalize_zero)]
RerunToken = Annotated[
    str, Strict(), Field(max_length=64), Pattern("[-A-Za-z0-9_.:]*", "use letters, digits, '-', '_', '.' and ':'")
]
"""A token that has an effect only when it changes."""


class DeletionPolicy(StrEnum):
    """What happens to the results when a run is deleted from a cluster."""

    RETAIN = "Retain"
    PURGE = "Purge"


class Lifecycle(Block):
    """The limits of a run of any kind, and the policies for its end."""

    suspend: Flag = False
    """Whether to suspend the run. A suspended run pauses at the next safe point and releases its accelerators."""
    stop_after: Count | None = None
    """Number of iterations (or rounds of a game) after which a run on a cluster ends early. It concludes with its best
    result so far."""
    deadline_seconds: Seconds | None = None
    """Deadline of a run on a cluster, in seconds after its start. A run that has not ended by then fails. Time while
    suspended counts."""
    ttl_seconds_after_finished: Delay | None = None
    """Seconds after its end after which a run is deleted from a cluster."""
    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN
    """What happens to the results when a run is deleted from a cluster: Retain leaves them in the bucket. Purge deletes
    everything that the run stored there, including the best adapter and the data set."""
    rerun: RerunToken | None = None
    """A token of your choice. When it changes, a failed run on a cluster resumes from the phase in which it failed."""


class AcceleratorBudget(Block):
    """The accelerator budget of a run on a cluster."""

    gpu_hours: Hours | None = None
    """Accelerator-hours after which a run on a cluster starts no further iteration. The run concludes with its best
    result so far, or fails if it has none."""


class Budget(AcceleratorBudget):
    """The budget of a run.

    When its calls or tokens are used up, the run stops. It resumes when the budget is raised.
    """

    calls: Limit | None = None
    """Maximum number of requests to endpoints over the whole run. A request counts once, however often it is retried.
    An answer from the cache does not count."""
    tokens: Limit | None = None
    """Maximum number of prompt and answer tokens over the whole run, as the endpoints count them. Requests in flight
    may exceed it."""
