"""What the status of every kind of run has: what `kubectl get` and `dataswarm status` show.

Every list and text is capped, so a full status stays far below what etcd takes. Fields that a newer version wrote are
passed over: a status is read by hosts older than the one that wrote it.
"""

from typing import Annotated

from pydantic import ConfigDict, Field, Strict

from swarm_core.api.block import Block
from swarm_core.api.conditions import Condition
from swarm_core.api.scalars import Integer, Number, Pattern

HISTORY_ROWS = 20
CONDITION_ROWS = 8
MAX_MESSAGE_CHARACTERS = 1024
MAX_ENGINE_CHARACTERS = 49_152

ShortText = Annotated[str, Strict(), Field(max_length=64)]
Sha256 = Annotated[
    str, Strict(), Field(max_length=64), Pattern("[0-9a-f]{64}", "a sha256 has 64 lower-case hexadecimal digits")
]


class StatusBlock(Block):
    """A part of the status: unknown fields are passed over."""

    model_config = ConfigDict(extra="ignore")


class Difference(StatusBlock):
    """What was measured twice, apart."""

    value: Number
    """The difference."""
    low: Number
    """Lower end of its 95 % interval."""
    high: Number
    """Upper end of its 95 % interval."""


class Counts(StatusBlock):
    """What came of the items."""

    items: Integer = Field(0, ge=0)
    """Items asked for."""
    rejected: Integer = Field(0, ge=0)
    """Items rejected before they counted."""
    unscored: Integer = Field(0, ge=0)
    """Answers without a score."""


class GpuSeconds(StatusBlock):
    """Accelerators held, each for so many seconds."""

    busy: Number = Field(0.0, ge=0)
    """While they trained, or served an iteration."""
    loading: Number = Field(0.0, ge=0)
    """While images, models and servers were not ready."""
    idle: Number = Field(0.0, ge=0)
    """While servers had nobody to serve."""
    counted_until: ShortText | None = None
    """Up to when they are counted, RFC 3339."""


class ServersStatus(StatusBlock):
    """Where the inference servers stand."""

    phase: ShortText
    """Off, Starting, Ready, Idle or Waiting."""
    since: ShortText
    """Since when, RFC 3339."""
    failures: Integer = Field(0, ge=0)
    """How often in a row they were not ready in time."""
    not_before: ShortText | None = None
    """When they are tried again, RFC 3339."""


class RunStatus(StatusBlock):
    """How far a run of any kind is."""

    phase: ShortText | None = None
    """Where the run stands: Pending, Preparing, Seeding, Iterating, Concluding, Succeeded or Failed."""
    spec_digest: Sha256 | None = None
    """Digest of the experiment as written."""
    experiment_digest: Sha256 | None = None
    """Digest of the experiment with every path replaced by what it holds."""
    observed_generation: Integer | None = None
    """Generation of the spec that this status answers to."""
    message: Annotated[str, Strict(), Field(max_length=MAX_MESSAGE_CHARACTERS)] | None = None
    """What goes on, or why it failed, in one line."""
    started_at: ShortText | None = None
    """When work began, RFC 3339."""
    finished_at: ShortText | None = None
    """When the run ended, RFC 3339."""
    gpu_seconds: GpuSeconds | None = None
    """Accelerators held so far, on a cluster."""
    gpu_hours: Number | None = None
    """The same in hours, all together."""
    peak_accelerators: Integer | None = None
    """Most accelerators that the run holds at one time, on a cluster."""
    result: Sha256 | None = None
    """Digest of the result document in the store."""
    servers: ServersStatus | None = None
    """Where the inference servers stand, on a cluster."""
    rerun: ShortText | None = None
    """The spec's rerun that was last heeded."""
    engine: Annotated[str, Strict(), Field(max_length=MAX_ENGINE_CHARACTERS)] | None = None
    """What the engine remembers of the run, for the operator alone."""
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
