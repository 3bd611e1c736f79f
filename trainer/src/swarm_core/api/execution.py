"""Where results go and how work is carried out. Outside the identity: no field here changes a result."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, Strict

from swarm_core.api.block import Block, Rule, member
from swarm_core.api.scalars import Integer, Uri, whole


class StorageType(StrEnum):
    """The kinds of store."""

    LOCAL = "Local"


class LocalStorage(Block):
    """A folder of this machine."""

    path: Uri
    """Folder that holds the artefacts."""


class Storage(Block):
    """Where artefacts are kept."""

    type: StorageType
    """Local is a folder of this machine."""
    local: LocalStorage | None = None
    """The folder, with type Local."""

    rules: ClassVar[tuple[Rule["Storage"], ...]] = (member("local", "type", StorageType.LOCAL, required=True),)


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
    threads: Annotated[int, Strict(), Field(ge=1, le=1024), BeforeValidator(whole)] | None = None
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
