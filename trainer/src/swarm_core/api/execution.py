"""Where results go and how work is carried out. Outside the identity: no field here changes a result."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, Strict

from swarm_core.api.block import Block, Rule, union_member_rule
from swarm_core.api.kubernetes import KubernetesExecution
from swarm_core.api.pods import LocalObjectReference
from swarm_core.api.scalars import BUCKET_PATTERN, Flag, Integer, LocalUri, Pattern, to_integer


class StorageType(StrEnum):
    """The kinds of store."""

    LOCAL = "Local"
    S3 = "S3"


class RequestChecksum(StrEnum):
    """When a request carries a checksum of the newer kinds (CRC32 and its like)."""

    WHEN_SUPPORTED = "WhenSupported"
    WHEN_REQUIRED = "WhenRequired"


FOLDER_PATTERN = "[-A-Za-z0-9_=]([-.A-Za-z0-9_=]*[-A-Za-z0-9_=])?"
PREFIX_PATTERN = f"({FOLDER_PATTERN}(/{FOLDER_PATTERN})*)?"
ENDPOINT_PATTERN = "https?://[-.A-Za-z0-9]+(:[0-9]{1,5})?/?"
RegionName = Annotated[
    str, Strict(), Field(min_length=1, max_length=63), Pattern("[-A-Za-z0-9]+", "use letters, digits, '-'")
]


class LocalStorage(Block):
    """A folder of this machine."""

    path: LocalUri
    """Folder that holds the artefacts."""


class S3Storage(Block):
    """A bucket of an S3 store. Credentials are never written here: they come by the usual chain of AWS tools."""

    bucket: Annotated[
        str,
        Strict(),
        Field(min_length=3, max_length=63),
        Pattern(BUCKET_PATTERN, "use lower-case letters, digits, '-' and '.', a letter or digit first and last"),
    ]
    """Bucket that holds the artefacts; it must exist."""
    prefix: Annotated[
        str,
        Strict(),
        Field(max_length=512),
        Pattern(PREFIX_PATTERN, "join names of letters, digits, - _ = . by single '/'"),
    ] = ""
    """Where in the bucket runs are kept, each under its own name; empty is the bucket's top."""
    endpoint: (
        Annotated[
            str,
            Strict(),
            Field(min_length=1, max_length=253),
            Pattern(ENDPOINT_PATTERN, "write http:// or https://, a host and perhaps a port; keys do not belong in it"),
        ]
        | None
    ) = None
    """Address of the store; absent, Amazon's, or what AWS_ENDPOINT_URL says."""
    region: RegionName | None = None
    """Region of the bucket; absent, what AWS_REGION or the AWS configuration says."""
    request_checksum: RequestChecksum = RequestChecksum.WHEN_SUPPORTED
    """When requests carry the newer checksums; WhenRequired suits stores that do not know them."""
    single_writer: Flag = False
    """Whether a store without conditional writes is taken at the user's word that one process writes."""
    credentials_secret_ref: LocalObjectReference | None = None
    """On a cluster, the Secret whose entries AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are the store's keys."""


class Storage(Block):
    """Where artefacts are kept."""

    type: StorageType
    """Local is a folder of this machine, S3 a bucket."""
    local: LocalStorage | None = None
    """The folder, with type Local."""
    s3: S3Storage | None = None
    """The bucket, with type S3."""

    rules: ClassVar[tuple[Rule["Storage"], ...]] = (
        union_member_rule("local", "type", StorageType.LOCAL, required=True),
        union_member_rule("s3", "type", StorageType.S3, required=True),
    )


class Device(StrEnum):
    """The devices."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class InferenceType(StrEnum):
    """The inference engines."""

    AUTO = "Auto"
    LOCAL = "Local"
    VLLM = "VLLM"


class LocalExecution(Block):
    """How work is carried out on one machine."""

    inference: InferenceType = InferenceType.AUTO
    """Who writes the texts: Local is transformers in the worker's process, VLLM a server started for the run; Auto is
    Local."""
    device: Device = Device.AUTO
    """Where tensors lie; auto is cuda where there is one."""
    threads: Annotated[int, Strict(), Field(ge=1, le=1024), BeforeValidator(to_integer)] | None = None
    """Threads of one lane; absent, as many as there are cores."""
    lanes: Integer = Field(1, ge=1, le=64)
    """Candidates examined at once, with Local each with a copy of the models: two or more pay for small models and many
    cores."""


class Execution(Block):
    """How work is carried out."""

    attempts: Integer = Field(3, ge=1, le=10)
    """How often a piece of work is tried before the run fails."""
    item_deadline_seconds: Integer = Field(86_400, ge=1, le=31_536_000)
    """Seconds after which a piece of work is cancelled, which counts as a failed attempt."""
    local: LocalExecution = LocalExecution()
    """How work is carried out on one machine."""
    kubernetes: KubernetesExecution = KubernetesExecution()
    """How work is carried out on a cluster."""
