"""Where artifacts are stored and how work is run. No field here changes a result, so none is part of the identity."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, Strict

from swarm_core.api.kubernetes import KubernetesExecution
from swarm_core.api.kubernetes_scalars import LocalObjectReference
from swarm_core.blocks.block import Block, Rule, union_member_rule
from swarm_core.blocks.scalars import BUCKET_PATTERN, Flag, Integer, LocalUri, Pattern, to_integer


class StorageType(StrEnum):
    """The kinds of store."""

    LOCAL = "Local"
    S3 = "S3"


class RequestChecksum(StrEnum):
    """When a request carries a checksum of a newer kind, such as CRC32."""

    WHEN_SUPPORTED = "WhenSupported"
    WHEN_REQUIRED = "WhenRequired"


FOLDER_PATTERN = "[-A-Za-z0-9_=]([-.A-Za-z0-9_=]*[-A-Za-z0-9_=])?"
PREFIX_PATTERN = f"({FOLDER_PATTERN}(/{FOLDER_PATTERN})*)?"
ENDPOINT_PATTERN = "https?://[-.A-Za-z0-9]+(:[0-9]{1,5})?/?"
RegionName = Annotated[
    str, Strict(), Field(min_length=1, max_length=63), Pattern("[-A-Za-z0-9]+", "use letters, digits, '-'")
]


class LocalStorage(Block):
    """A folder on this machine."""

    path: LocalUri
    """Folder that holds the artifacts."""


class S3Storage(Block):
    """A bucket of an S3 store. A spec never contains credentials: they come from the default credential chain of
    AWS."""

    bucket: Annotated[
        str,
        Strict(),
        Field(min_length=3, max_length=63),
        Pattern(BUCKET_PATTERN, "use lower-case letters, digits, '-' and '.', a letter or digit first and last"),
    ]
    """Bucket that holds the artifacts. It must exist."""
    prefix: Annotated[
        str,
        Strict(),
        Field(max_length=512),
        Pattern(PREFIX_PATTERN, "join names of letters, digits, - _ = . by single '/'"),
    ] = ""
    """Prefix in the bucket. Each run is stored below it under its own name. If empty, runs are stored at the top level.
    """
    endpoint: (
        Annotated[
            str,
            Strict(),
            Field(min_length=1, max_length=253),
            Pattern(
                ENDPOINT_PATTERN, "write http:// or https://, a host and optionally a port; never put a key in a URL"
            ),
        ]
        | None
    ) = None
    """URL of the S3 store. If absent, AWS_ENDPOINT_URL is used, or else Amazon S3."""
    region: RegionName | None = None
    """Region of the bucket. If absent, AWS_REGION or the AWS configuration is used."""
    request_checksum: RequestChecksum = RequestChecksum.WHEN_SUPPORTED
    """When requests carry checksums of the newer kinds. Use WhenRequired for stores that do not support them."""
    single_writer: Flag = False
    """Whether the user guarantees that only one process writes. Set it to use a store without conditional writes."""
    credentials_secret_ref: LocalObjectReference | None = None
    """Secret with the entries AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, on a cluster."""


class Storage(Block):
    """The store of artifacts."""

    type: StorageType
    """Type of the store: Local is a folder on this machine, S3 is a bucket."""
    local: LocalStorage | None = None
    """Settings of type Local."""
    s3: S3Storage | None = None
    """Settings of type S3."""

    rules: ClassVar[tuple[Rule["Storage"], ...]] = (
        union_member_rule("local", "type", StorageType.LOCAL, required=True),
        union_member_rule("s3", "type", StorageType.S3, required=True),
    )


class Device(StrEnum):
    """The devices that tensors can be on."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class InferenceType(StrEnum):
    """The inference engines."""

    AUTO = "Auto"
    LOCAL = "Local"
    VLLM = "VLLM"


class LocalExecution(Block):
    """The execution of work on one machine."""

    inference: InferenceType = InferenceType.AUTO
    """Inference engine: Local is transformers in the worker's process, VLLM is a server that is started for the run,
    and Auto means Local."""
    device: Device = Device.AUTO
    """Device for tensors. With auto, it is cuda if the machine has it, and else cpu."""
    threads: Annotated[int, Strict(), Field(ge=1, le=1024), BeforeValidator(to_integer)] | None = None
    """Number of CPU threads per lane. If absent, one per core."""
    lanes: Integer = Field(1, ge=1, le=64)
    """Number of candidates that are measured in parallel. With Local, each lane has its own copy of the models, so more
    than one lane helps only with small models on many cores."""


class Execution(Block):
    """The execution of work. It changes no result."""

    attempts: Integer = Field(3, ge=1, le=10)
    """Number of failed attempts at one work item after which the run fails."""
    item_deadline_seconds: Integer = Field(86_400, ge=1, le=31_536_000)
    """Deadline of one work item in seconds. An item that exceeds it is canceled, which counts as a failed attempt."""
    local: LocalExecution = LocalExecution()
    """Settings for runs on one machine."""
    kubernetes: KubernetesExecution = KubernetesExecution()
    """Settings for runs on a cluster."""
