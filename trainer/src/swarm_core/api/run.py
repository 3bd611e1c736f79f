"""The fields that runs of every kind have: those that users write, and those that the API server adds.

Limits: the metadata keeps only the fields that identify and describe a run. Other fields of the server are accepted and
dropped.
"""

from typing import Annotated, Literal

from pydantic import Field, Strict, model_validator

from swarm_core.api.execution import Execution, Storage
from swarm_core.api.lifecycle import AcceleratorBudget, Lifecycle
from swarm_core.api.run_status import RunStatus
from swarm_core.blocks.block import Block
from swarm_core.blocks.scalars import Integer, Label, Pattern

API_GROUP = "dataswarm.io"
API_VERSION = "v1alpha1"
SERVER_METADATA = frozenset({
    "deletionGracePeriodSeconds", "finalizers", "generateName", "managedFields", "ownerReferences", "selfLink",
})  # fmt: skip
"""Fields of Kubernetes object metadata that are accepted and dropped."""

LABEL_PART_PATTERN = "([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)"
DOMAIN_PATTERN = "[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
MetadataKey = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=317),
    Pattern(
        f"({DOMAIN_PATTERN}/)?{LABEL_PART_PATTERN}",
        "a key is a name of at most 63 letters, digits, '-', '_' and '.', or domain/name",
    ),
]
LabelValue = Annotated[
    str,
    Strict(),
    Field(max_length=63),
    Pattern(
        f"({LABEL_PART_PATTERN})?", "use at most 63 letters, digits, '-', '_' and '.', a letter or digit first and last"
    ),
]
ServerText = Annotated[str, Strict(), Field(max_length=256)]


class Metadata(Block):
    """Kubernetes object metadata."""

    name: Label
    """Name of the run, unique within its namespace."""
    namespace: Label | None = None
    """Namespace of the run."""
    labels: Annotated[dict[MetadataKey, LabelValue], Field(max_length=64)] = Field(default_factory=dict)
    """Labels of the run. They change no result."""
    annotations: Annotated[
        dict[MetadataKey, Annotated[str, Strict(), Field(max_length=262_144)]], Field(max_length=64)
    ] = Field(default_factory=dict)
    """Annotations of the run. They change no result."""
    uid: ServerText | None = None
    """Set by the API server. It distinguishes this run from an earlier run with the same name."""
    resource_version: ServerText | None = None
    """Set by the API server. It changes with every write."""
    generation: Integer | None = None
    """Set by the API server. It counts the changes of the spec."""
    creation_timestamp: ServerText | None = None
    """Set by the API server. The time of creation, in RFC 3339 format."""
    deletion_timestamp: ServerText | None = None
    """Set by the API server. The time of deletion, in RFC 3339 format."""

    @model_validator(mode="before")
    @classmethod
    def _drop_bookkeeping(cls, value: object) -> object:
        if isinstance(value, dict):
            return {key: part for key, part in value.items() if key not in SERVER_METADATA}
        return value


class RunSpec(Lifecycle):
    """The fields that the spec of every kind of run has: limits, budget, storage and execution."""

    seed: Integer = Field(0, ge=0, le=2**53 - 1)
    """Seed of every random choice of the run."""
    budget: AcceleratorBudget = AcceleratorBudget()
    """Budget of the run."""
    storage: Storage | None = None
    """Store of the artifacts. If absent, a run on one machine stores them in its run folder."""
    execution: Execution = Execution()
    """Execution of work. It changes no result."""


class Run(Block):
    """A run of any kind."""

    api_version: Literal["dataswarm.io/v1alpha1"]
    """Version of this schema."""
    kind: str
    """Kind of this resource."""
    metadata: Metadata
    """Name, labels and annotations."""
    spec: RunSpec
    """Specification of the run."""
    status: RunStatus | None = None
    """Status of the run, as dataswarm reports it."""
