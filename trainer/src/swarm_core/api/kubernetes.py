"""The execution of work on a cluster. No field here changes the objective of a search, so none is part of the identity.

Limits: it does not check whether names exist on the cluster, nor how many accelerators a run holds. The operator does.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, Strict

from swarm_core.api.kubernetes_scalars import Label63, LocalObjectReference, ObjectName, Quantity
from swarm_core.api.pod_network import CaBundle, ProxySpec
from swarm_core.api.pod_resources import Servers, TrainerPods, WorkerPods
from swarm_core.api.pods import PodTemplate
from swarm_core.blocks.block import Block, Rule
from swarm_core.blocks.scalars import Integer, Pattern


class ClusterInference(StrEnum):
    """The inference engines on a cluster."""

    AUTO = "Auto"
    LOCAL = "Local"
    VLLM = "VLLM"


class AccessMode(StrEnum):
    """The access modes of a volume."""

    READ_WRITE_MANY = "ReadWriteMany"
    READ_WRITE_ONCE = "ReadWriteOnce"


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
    ca_bundle: CaBundle | None = None
    """Certificates of private authorities. The pods trust them in addition to the public authorities, for endpoints,
    buckets and the Hugging Face hub."""
    proxy: ProxySpec | None = None
    """HTTP proxy through which the pods reach endpoints, buckets and the Hugging Face hub."""
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

    rules: ClassVar[tuple[Rule["KubernetesExecution"], ...]] = (
        Rule(
            "self.trainer.accelerators <= self.maxAccelerators",
            "one training pod needs more accelerators than the run may hold; raise maxAccelerators, or lower"
            " trainer.accelerators (0 trains on a CPU)",
            "maxAccelerators",
            lambda it: it.trainer.accelerators <= it.max_accelerators,
        ),
    )
