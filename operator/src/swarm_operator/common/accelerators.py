"""Counts the accelerators that a run holds at one time, from the needs of its work items.

Training and serving never overlap: training pods are gone before servers start, and servers are gone before training
starts. So the peak is the larger of the two numbers, not their sum.
"""

from swarm_core.api.kubernetes import ClusterInference, KubernetesExecution
from swarm_core.engine.planning import Outline
from swarm_core.engine.work import Kind, Needs


def parallelism(cluster: KubernetesExecution, count: int) -> int:
    """How many of `count` items train at once: all of them, or as many as `maxAccelerators` allows. At least one."""
    per_item = cluster.trainer.accelerators
    return max(1, min(count, cluster.max_accelerators // per_item if per_item else count))


def concurrent_trainers(cluster: KubernetesExecution, outline: Outline) -> int:
    """The highest number of items that hold their own accelerators at once.

    Items of one Job run together; others run alone.
    """
    if outline.training and outline.needs_of(Kind.TRAIN).accelerator:
        return parallelism(cluster, len(outline.training))
    return int(any(outline.needs_of(kind).accelerator for kind in outline.kinds))


def count_for_training(cluster: KubernetesExecution, outline: Outline) -> int:
    """Accelerators that the run holds while it trains adapters."""
    return concurrent_trainers(cluster, outline) * cluster.trainer.accelerators


def count_for_search(cluster: KubernetesExecution, outline: Outline) -> int:
    """Accelerators that the run holds while it sends requests to models.

    The servers hold them. With inference `Local`, the one pod that runs the models holds them.
    """
    if not outline.servers:
        return 0
    if has_servers(cluster, outline):
        return len(outline.servers) * cluster.servers.replicas * cluster.servers.held
    return cluster.trainer.accelerators


def peak(cluster: KubernetesExecution, outline: Outline) -> int:
    """The highest number of accelerators that the run holds at one time."""
    return max(count_for_training(cluster, outline), count_for_search(cluster, outline))


def has_servers(cluster: KubernetesExecution, outline: Outline) -> bool:
    """Whether the run has servers: some item needs them, and `inference` is not `Local`."""
    return bool(outline.servers) and cluster.inference is not ClusterInference.LOCAL


def needs_trainer_resources(cluster: KubernetesExecution, needs: Needs) -> bool:
    """Whether an item gets the trainer's resources: it holds accelerators, or it runs models in its own process."""
    return needs.accelerator or bool(needs.servers and cluster.inference is ClusterInference.LOCAL)


def kinds_holding_accelerators(outline: Outline) -> frozenset[str]:
    """The kinds of work whose items hold their own accelerators, as label values."""
    return frozenset(str(kind) for kind in outline.kinds if outline.needs_of(kind).accelerator)


def kinds_asking_servers(outline: Outline) -> frozenset[str]:
    """The kinds of work whose items send requests to servers, as label values."""
    return frozenset(str(kind) for kind in outline.kinds if outline.needs_of(kind).servers)
