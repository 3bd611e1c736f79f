"""The status that every kind of run has. `kubectl get` and `dataswarm status` show it.

Every list and text has a maximum size, so a full status stays far below the limit of etcd. Unknown fields are ignored,
because an older host may read the status that a newer one wrote.
"""

from typing import Annotated

from pydantic import ConfigDict, Field, Strict

from swarm_core.api.conditions import Condition
from swarm_core.blocks.block import Block
from swarm_core.blocks.scalars import Integer, Number, Pattern

HISTORY_ROWS = 20
CONDITION_ROWS = 8
MAX_COLUMNS = 16
MAX_MESSAGE_CHARACTERS = 1024
MAX_ENGINE_CHARACTERS = 49_152

ShortText = Annotated[str, Strict(), Field(max_length=64)]
Sha256 = Annotated[
    str, Strict(), Field(max_length=64), Pattern("[0-9a-f]{64}", "a sha256 has 64 lower-case hexadecimal digits")
]


class StatusBlock(Block):
    """A block of the status. Unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore")


class Difference(StatusBlock):
    """The difference between two measurements."""

    value: Number
    """The difference."""
    low: Number
    """Lower end of the 95% interval of the difference."""
    high: Number
    """Upper end of the 95% interval of the difference."""
    verdict: ShortText | None = None
    """Gain if the interval lies above 0, Loss if it lies below 0, NotResolved if it contains 0."""


class Counts(StatusBlock):
    """The numbers of items and of missing scores."""

    items: Integer = Field(0, ge=0)
    """Number of items that the gates accepted, over all iterations. Items that were asked for and not delivered are not
    counted."""
    rejected: Integer = Field(0, ge=0)
    """Number of items that the gates rejected, over all iterations."""
    unscored: Integer = Field(0, ge=0)
    """Number of answers without a score, over all iterations."""


class Answers(StatusBlock):
    """The numbers of answers by fate, over all iterations. A fate without answers is absent."""

    scored: Integer | None = None
    """Answers that the judge scored."""
    blank: Integer | None = None
    """Answers that ended without a visible character. They are wrong."""
    cut_off: Integer | None = None
    """Answers that were cut off at their maximum length."""
    thinking_only: Integer | None = None
    """Thoughts without an answer after them."""
    refused: Integer | None = None
    """Requests that a server refused, such as by moderation."""
    unreadable: Integer | None = None
    """Answers that the judge cannot parse, and replies without text."""
    judge_failed: Integer | None = None
    """Answers on which the judge failed."""


class GpuSeconds(StatusBlock):
    """The accelerator-seconds that the run has used."""

    busy: Number = Field(0.0, ge=0)
    """Accelerator-seconds spent on training or on serving an iteration."""
    loading: Number = Field(0.0, ge=0)
    """Accelerator-seconds spent on waiting for images, models and servers."""
    idle: Number = Field(0.0, ge=0)
    """Accelerator-seconds during which servers had no requests."""
    counted_until: ShortText | None = None
    """Time up to which they are counted, in RFC 3339 format."""


class ServersStatus(StatusBlock):
    """The state of the inference servers."""

    phase: ShortText
    """State of the servers: Off, Starting, Ready, Idle or Waiting."""
    since: ShortText
    """Time since which the servers are in this state, in RFC 3339 format."""
    failures: Integer = Field(0, ge=0)
    """Number of consecutive times that the servers were not ready in time."""
    not_before: ShortText | None = None
    """Time before which the servers are not started again, in RFC 3339 format."""
    message: Annotated[str, Strict(), Field(max_length=MAX_MESSAGE_CHARACTERS)] | None = None
    """Reason why the servers were not ready in time, the last time."""


class RunStatus(StatusBlock):
    """The status of a run of any kind."""

    phase: ShortText | None = None
    """Phase of the run: Pending, Preparing, Seeding, Iterating, Concluding, Succeeded or Failed."""
    reason: ShortText | None = None
    """Reason why the run does not move on, as one CamelCase word. Absent while work goes on and after it has succeeded.
    """
    spec_digest: Sha256 | None = None
    """Digest of the experiment as written in the spec."""
    experiment_digest: Sha256 | None = None
    """Digest of the experiment with every path replaced by the digest of its content."""
    observed_generation: Integer | None = None
    """Generation of the spec that this status is based on."""
    message: Annotated[str, Strict(), Field(max_length=MAX_MESSAGE_CHARACTERS)] | None = None
    """Current activity of the run, or the reason for its failure, in one line."""
    started_at: ShortText | None = None
    """Time at which work started, in RFC 3339 format."""
    finished_at: ShortText | None = None
    """Time at which the run ended, in RFC 3339 format."""
    gpu_seconds: GpuSeconds | None = None
    """Accelerator-seconds used so far, on a cluster."""
    gpu_hours: Number | None = None
    """Accelerator-hours used so far, on a cluster."""
    peak_accelerators: Integer | None = None
    """Maximum number of accelerators that the run holds at one time, on a cluster."""
    columns: Annotated[dict[ShortText, ShortText], Field(max_length=MAX_COLUMNS)] | None = None
    """Figures of the run as rounded text, for the columns of `kubectl get`. Their own fields have the exact values."""
    result: Sha256 | None = None
    """Digest of the result document in the store."""
    servers: ServersStatus | None = None
    """State of the inference servers, on a cluster."""
    rerun: ShortText | None = None
    """Value of spec.rerun that the run last acted on."""
    engine: Annotated[str, Strict(), Field(max_length=MAX_ENGINE_CHARACTERS)] | None = None
    """Saved state of the engine. Only the operator uses it."""
    counts: Counts | None = None
    """Numbers of items and of missing scores."""
    conditions: Annotated[
        tuple[Condition, ...],
        Field(
            max_length=CONDITION_ROWS,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        ),
    ] = ()
    """Conditions of the run, such as Ready, Reconciling and Stalled, for people and for tools such as kubectl wait."""
