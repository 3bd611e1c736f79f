"""How work is carried out on a cluster. Outside the identity: no field here changes what is searched for.

Limits: which names exist in the cluster, and what a run holds at once, is for the operator to check.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, Strict

from swarm_core.api.block import Block, Rule
from swarm_core.api.pods import Label63, LocalObjectReference, ObjectName, PodTemplate, Quantity
from swarm_core.api.scalars import Integer, Number, Pattern, to_integer


class ClusterInference(StrEnum):
    """Who writes the texts on a cluster."""

    AUTO = "Auto"
    LOCAL = "Local"
    VLLM = "VLLM"


class AccessMode(StrEnum):
    """From where a volume may be used."""

    READ_WRITE_MANY = "ReadWriteMany"
    READ_WRITE_ONCE = "ReadWriteOnce"


ALLOWED_ARGUMENTS = (
    "max-num-seqs", "max-num-batched-tokens", "block-size", "cpu-offload-gb", "attention-backend", "enforce-eager",
    "enable-prefix-caching", "no-enable-prefix-caching", "enable-chunked-prefill", "no-enable-chunked-prefill",
    "disable-custom-all-reduce",
)  # fmt: skip
"""vLLM's arguments that set a pace. None can reach a file, open a port, load code, or change what a model answers."""
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
    """Images of the pods."""

    trainer: ImageName | None = None
    """Image of the pods that train, search and conclude; absent, the operator's own choice."""
    server: ImageName | None = None
    """Image of the inference servers; absent, the operator's own choice."""


class VolumeClaim(Block):
    """A volume to be made for the run, and deleted with it."""

    size: Quantity
    """How much it holds, such as 50Gi."""
    storage_class: ObjectName | None = None
    """Its storage class; absent, the cluster's default."""
    access_mode: AccessMode = AccessMode.READ_WRITE_MANY
    """ReadWriteOnce suits runs whose pods follow one another, ReadWriteMany all."""


class ModelCache(Block):
    """Where pods keep what they have fetched."""

    existing_claim: ObjectName | None = None
    """A claim of the namespace that is there already; it must be usable from every node that the pods may run on."""
    claim: VolumeClaim | None = None
    """A claim to be made."""

    rules: ClassVar[tuple[Rule["ModelCache"], ...]] = (
        Rule(
            "has(self.existingClaim) != has(self.claim)",
            "a cache is an existing claim or one to be made; write existingClaim, or claim",
            "claim",
            lambda it: (it.existing_claim is None) != (it.claim is None),
        ),
    )


class TrainerPods(Block):
    """What a pod that trains gets, and with inference Local also one that searches."""

    accelerators: Integer = Field(1, ge=0, le=64)
    """Accelerators of one pod; 0 trains on a CPU."""
    cpu: Quantity = "1"
    """Processors asked for."""
    memory: Quantity = "4Gi"
    """Memory asked for, which is also its limit."""


class WorkerPods(Block):
    """What a pod without accelerators gets: it prepares, and beside servers also searches and concludes."""

    cpu: Quantity = "1"
    """Processors asked for."""
    memory: Quantity = "2Gi"
    """Memory asked for, which is also its limit."""


class Servers(Block):
    """The inference servers: one Deployment per distinct base model."""

    tensor_parallel: Integer = Field(1, ge=1, le=64)
    """Accelerators that one server spreads its model over."""
    accelerators: Annotated[int, Strict(), Field(ge=0, le=64), BeforeValidator(to_integer)] | None = None
    """Accelerators of one server; absent, tensorParallel, and 0 serves on a CPU."""
    replicas: Integer = Field(1, ge=1, le=64)
    """Servers of each base."""
    idle_seconds: Integer = Field(120, ge=0, le=86_400)
    """How long servers that nobody asks stay up before they are scaled to zero."""
    startup_seconds: Integer = Field(900, ge=10, le=86_400)
    """How long servers may take to be ready, all of them; then they are released together and tried again later."""
    gpu_memory_utilization: Number = Field(0.9, gt=0, le=1)
    """Share of an accelerator's memory that a server takes."""
    cpu: Quantity = "2"
    """Processors asked for."""
    memory: Quantity = "8Gi"
    """Memory asked for, which is also its limit."""
    extra_args: Annotated[tuple[VllmArgument, ...], Field(max_length=16)] = ()
    """Further arguments of vLLM, of those that set its pace."""

    rules: ClassVar[tuple[Rule["Servers"], ...]] = (
        Rule(
            "!has(self.accelerators) || self.accelerators == 0 || self.accelerators == self.tensorParallel",
            "a server holds what its model is spread over; remove accelerators, or write 0 for a CPU",
            "accelerators",
            lambda it: it.accelerators in (None, 0, it.tensor_parallel),
        ),
    )

    @property
    def held(self) -> int:
        """Accelerators that one server holds."""
        return self.tensor_parallel if self.accelerators is None else self.accelerators


class KubernetesExecution(Block):
    """How work is carried out on a cluster."""

    inference: ClusterInference = ClusterInference.AUTO
    """Who writes the texts: VLLM is servers of their own, Local the pod that searches, from the trainer's image; Auto
    is VLLM."""
    image: ImagesSpec = ImagesSpec()
    """Images of the pods."""
    max_accelerators: Integer = Field(1, ge=0, le=1024)
    """Most accelerators that the run holds at one time; trainers take turns to stay below, and a run whose servers need
    more is refused."""
    accelerator_resource: ResourceName = "nvidia.com/gpu"
    """Name by which the cluster counts accelerators."""
    queue: Label63 | None = None
    """Kueue's local queue that Jobs and servers wait in; absent, they wait in none."""
    model_cache: ModelCache | None = None
    """Where pods keep what they have fetched; absent, each has a folder of its own for as long as it lives."""
    token_secret_ref: LocalObjectReference | None = None
    """Secret whose entry HF_TOKEN is the token for gated models."""
    trainer: TrainerPods = TrainerPods()
    """What a pod that trains gets."""
    worker: WorkerPods = WorkerPods()
    """What a pod without accelerators gets."""
    servers: Servers = Servers()
    """The inference servers."""
    pod_template: PodTemplate = PodTemplate()
    """What all pods of the run have in common."""
    service_account_name: ObjectName | None = None
    """Account that the pods run as; no pod gets its token, and absent is the namespace's default."""
