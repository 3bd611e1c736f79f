"""The resources of the pods that train, of those without accelerators, and of the inference servers.

Limits: that a CPU limit is at least its request is checked by the operator, because rules cannot compare quantities.
"""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, Strict

from swarm_core.api.kubernetes_scalars import Quantity
from swarm_core.blocks.block import Block, Rule
from swarm_core.blocks.scalars import Integer, Number, Pattern, to_integer

ALLOWED_ARGUMENTS = (
    "max-num-seqs", "max-num-batched-tokens", "block-size", "cpu-offload-gb", "attention-backend", "enforce-eager",
    "enable-prefix-caching", "no-enable-prefix-caching", "enable-chunked-prefill", "no-enable-chunked-prefill",
    "disable-custom-all-reduce",
)  # fmt: skip
"""The arguments of vLLM that only affect its speed.

None of them can read a file, open a port, load code or change the answers of a model.
"""
VllmArgument = Annotated[
    str,
    Strict(),
    Field(max_length=128),
    Pattern(
        f"--({'|'.join(ALLOWED_ARGUMENTS)})(=[-A-Za-z0-9._]+)?",
        f"write --NAME or --NAME=VALUE of {', '.join(ALLOWED_ARGUMENTS)}",
    ),
]


class PodLimits(Block):
    """The limits that all kinds of pods may have."""

    cpu_limit: Quantity | None = None
    """CPU limit of one pod, at least its request. If absent, a pod may use all idle processors of its node."""
    ephemeral_storage: Quantity | None = None
    """Request and limit of one pod for the disk of its node, which holds the downloaded models unless modelCache is
    set."""


class TrainerPods(PodLimits):
    """The resources of a pod that trains. With inference Local, also those of a pod that searches."""

    accelerators: Integer = Field(1, ge=0, le=64)
    """Number of accelerators per pod. With 0, the pod trains on a CPU."""
    cpu: Quantity = "1"
    """CPU request of one pod."""
    memory: Quantity = "4Gi"
    """Memory request and limit of one pod."""


class WorkerPods(PodLimits):
    """The resources of a pod without accelerators.

    Such a pod prepares the run. If the run has inference servers, such a pod also searches and concludes.
    """

    cpu: Quantity = "1"
    """CPU request of one pod."""
    memory: Quantity = "2Gi"
    """Memory request and limit of one pod."""


class Servers(PodLimits):
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
