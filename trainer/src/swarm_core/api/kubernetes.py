"""The execution of work on a cluster. No field here changes the objective of a search, so none is part of the identity.

Limits: it does not check whether names exist on the cluster, nor how many accelerators a run holds. The operator does.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, Strict

from swarm_core.api.pods import Label63, LocalObjectReference, ObjectName, PodTemplate, Quantity
from swarm_core.blocks.block import Block, Rule
from swarm_core.blocks.scalars import Integer, Number, Pattern, to_integer


class ClusterInference(StrEnum):
    """The inference engines on a cluster."""

    AUTO = "Auto"
    LOCAL = "Local"
    VLLM = "VLLM"


class AccessMode(StrEnum):
    """The access modes of a volume."""

    READ_WRITE_MANY = "ReadWriteMany"
    READ_WRITE_ONCE = "ReadWriteOnce"


ALLOWED_ARGUMENTS = (
    "max-num-seqs", "max-num-batched-tokens", "block-size", "cpu-offload-gb", "attention-backend", "enforce-eager",
    "enable-prefix-caching", "no-enable-prefix-caching", "enable-chunked-prefill", "no-enable-chunked-prefill",
    "disable-custom-all-reduce",
)  # fmt: skip
"""The arguments of vLLM that only affect its speed.

None of them can read a file, open a port, load code or change the answers of a model.
"""
ImageName = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=512),
    Pattern("[A-Za-z0-9][-A-Za-z0-9._/:@]*", "write registry/name:tag or registry/name@sha256:digest"),
]
ResourceName = Annotated[
    str,
    Strict(),
    Field(max_length=253),
    Pattern("[a-z0-9]([-.a-z0-9]*[a-z0-9])?/[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?", "write domain/name"),
]
VllmArgument = Annotated[
    str,
    Strict(),
    Field(max_length=128),
    Pattern(
        f"--({'|'.join(ALLOWED_ARGUMENTS)})(=[-A-Za-z0-9._]+)?",
        f"write --NAME or --NAME=VALUE of {', '.join(ALLOWED_ARGUMENTS)}",
    ),
]


class ImagesSpec(Block):
    """The container images of the pods."""

    trainer: ImageName | None = None
    """Image of the pods that train, search and conclude. If absent, the operator's default image."""
    server: ImageName | None = None
    """Image of the inference servers. If absent, the operator's default image."""


class VolumeClaim(Block):
    """A volume that is created for the run and deleted with it."""

    size: Quantity
    """Size of the volume, such as 50Gi."""
    storage_class: ObjectName | None = None
    """Storage class of the volume. If absent, the cluster's default."""
    access_mode: AccessMode = AccessMode.READ_WRITE_MANY
    """Access mode of the volume. ReadWriteMany works for every run, ReadWriteOnce only for runs whose pods run one at a
    time."""


class ModelCache(Block):
    """The volume in which pods cache the models and data that they download."""

    existing_claim: ObjectName | None = None
    """Name of an existing PersistentVolumeClaim in the run's namespace. Every node that the pods may run on must be
    able to mount it."""
    claim: VolumeClaim | None = None
    """PersistentVolumeClaim to create."""

    rules: ClassVar[tuple[Rule["ModelCache"], ...]] = (
        Rule(
            "has(self.existingClaim) != has(self.claim)",
            "a cache is either an existing claim or a new one; write existingClaim or claim, and not both",
            "claim",
            lambda it: (it.existing_claim is None) != (it.claim is None),
        ),
    )


class TrainerPods(Block):
    """The resources of a pod that trains. With inference Local, also those of a pod that searches."""

    accelerators: Integer = Field(1, ge=0, le=64)
    """Number of accelerators per pod. With 0, the pod trains on a CPU."""
    cpu: Quantity = "1"
    """CPU request of one pod."""
    memory: Quantity = "4Gi"
    """Memory request and limit of one pod."""


class WorkerPods(Block):
    """The resources of a pod without accelerators.

    Such a pod prepares the run. If the run has inference servers, such a pod also searches and concludes.
    """

    cpu: Quantity = "1"
    """CPU request of one pod."""
    memory: Quantity = "2Gi"
    """Memory request and limit of one pod."""


class Servers(Block):
    """The inference servers. There is one Deployment per distinct base model."""

    tensor_parallel: Integer = Field(1, ge=1, le=64)
    """Number of accelerators over which one server shards its model (tensor parallelism)."""
    accelerators: Annotated[int, Strict(), Field(ge=0, le=64), BeforeValidator(to_integer)] | None = None
    """Number of accelerators per server. If absent, tensorParallel. With 0, the server runs on a CPU."""
    replicas: Integer = Field(1, ge=1, le=64)
    """Number of servers per base model."""
    idle_seconds: Integer = Field(120, ge=0, le=86_400)
    """Number of seconds without requests after which the servers are scaled to zero."""
    startup_seconds: Integer = Field(900, ge=10, le=86_400)
    """Number of seconds within which all servers must be ready. After that, all of them are released and tried again
    later."""
    gpu_memory_utilization: Number = Field(0.9, gt=0, le=1)
    """Share of an accelerator's memory that a server uses."""
    cpu: Quantity = "2"
    """CPU request of one pod."""
    memory: Quantity = "8Gi"
    """Memory request and limit of one pod."""
    extra_args: Annotated[tuple[VllmArgument, ...], Field(max_length=16)] = ()
    """Additional arguments of vLLM. Only arguments that affect its speed are allowed."""

    rules: ClassVar[tuple[Rule["Servers"], ...]] = (
        Rule(
            "!has(self.accelerators) || self.accelerators == 0 || self.accelerators == self.tensorParallel",
            "a server holds exactly tensorParallel accelerators; remove accelerators, or write 0 for a CPU",
            "accelerators",
            lambda it: it.accelerators in (None, 0, it.tensor_parallel),
        ),
    )

    @property
    def held(self) -> int:
        """The number of accelerators that one server holds."""
        return self.tensor_parallel if self.accelerators is None else self.accelerators


class KubernetesExecution(Block):
    """The execution of work on a cluster."""

    inference: ClusterInference = ClusterInference.AUTO
    """Inference engine: VLLM starts separate inference servers, Local runs the models in the pod that searches, and
    Auto means VLLM."""
    image: ImagesSpec = ImagesSpec()
    """Container images of the pods."""
    max_accelerators: Integer = Field(1, ge=0, le=1024)
    """Maximum number of accelerators that the run holds at one time. Training pods wait for each other to stay within
    it. A run whose servers need more is refused."""
    accelerator_resource: ResourceName = "nvidia.com/gpu"
    """Resource name of the accelerators on the cluster."""
    queue: Label63 | None = None
    """Local queue of Kueue for the Jobs and servers of the run. If absent, they are not queued."""
    model_cache: ModelCache | None = None
    """Volume in which pods cache what they download. If absent, each pod has its own cache, which is deleted with it.
    """
    token_secret_ref: LocalObjectReference | None = None
    """Secret with the entry HF_TOKEN: the Hugging Face token for gated models."""
    trainer: TrainerPods = TrainerPods()
    """Resources of pods that train."""
    worker: WorkerPods = WorkerPods()
    """Resources of pods without accelerators."""
    servers: Servers = Servers()
    """Settings of the inference servers."""
    pod_template: PodTemplate = PodTemplate()
    """Settings that all pods of the run share."""
    service_account_name: ObjectName | None = None
    """ServiceAccount of the pods. If absent, the default of the namespace. No pod mounts its token."""
