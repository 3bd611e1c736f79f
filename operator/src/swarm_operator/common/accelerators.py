"""How many accelerators a run holds at one time, at most. It follows from what its work items need.

Training and serving are never wanted together: what trains is gone before servers start, and the other way round. So
the peak is the larger of the two, not their sum.
"""

from swarm_core.api.kubernetes import ClusterInference, KubernetesExecution
from swarm_core.engine.planning import Outline
from swarm_core.engine.work import Kind, Needs


def parallelism(cluster: KubernetesExecution, count: int) -> int:
    """How many of `count` items are trained at once: all, or as many as accelerators allow; one at least."""
    per_item = cluster.trainer.accelerators
    return max(1, min(count, cluster.max_accelerators // per_item if per_item else count))


def concurrent_trainers(cluster: KubernetesExecution, outline: Outline) -> int:
    """How many items hold accelerators of their own at once, at most: those that share a Job, or one at a time."""
    if outline.training and outline.needs_of(Kind.TRAIN).accelerator:
        return parallelism(cluster, len(outline.training))
    return int(any(outline.needs_of(kind).accelerator for kind in outline.kinds))


def count_for_training(cluster: KubernetesExecution, outline: Outline) -> int:
    """Accelerators held while adapters are trained."""
    return concurrent_trainers(cluster, outline) * cluster.trainer.accelerators


def count_for_search(cluster: KubernetesExecution, outline: Outline) -> int:
    """Accelerators held while models are asked: by the servers, or by the one pod that runs the models itself."""
    if not outline.servers:
        return 0
    if has_servers(cluster, outline):
        return len(outline.servers) * cluster.servers.replicas * cluster.servers.held
    return cluster.trainer.accelerators


def peak(cluster: KubernetesExecution, outline: Outline) -> int:
    """Most accelerators held at one time."""
    return max(count_for_training(cluster, outline), count_for_search(cluster, outline))


def has_servers(cluster: KubernetesExecution, outline: Outline) -> bool:
    """Whether the run has servers: some item asks them, and the spec does not have items run models themselves."""
    return bool(outline.servers) and cluster.inference is not ClusterInference.LOCAL


def needs_trainer_resources(cluster: KubernetesExecution, needs: Needs) -> bool:
    """Whether an item runs in a trainer's container: it holds accelerators, or runs the models that it asks."""
    return needs.accelerator or bool(needs.servers and cluster.inference is ClusterInference.LOCAL)


def kinds_holding_accelerators(outline: Outline) -> frozenset[str]:
    """The kinds of work whose items hold accelerators of their own, as labels name them."""
    return frozenset(str(kind) for kind in outline.kinds if outline.needs_of(kind).accelerator)


def kinds_asking_servers(outline: Outline) -> frozenset[str]:
    """The kinds of work whose items ask servers, as labels name them."""
    return frozenset(str(kind) for kind in outline.kinds if outline.needs_of(kind).servers)
