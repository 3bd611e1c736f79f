"""How many accelerators a run holds at one time, at most.

Training and serving are never wanted together: what trains is gone before servers start, and the other way round. So
the peak is the larger of the two, not their sum.
"""

from swarm_core.api.kubernetes import ClusterInference, KubernetesExecution
from swarm_core.api.resolved import ResolvedSpec, ResolvedTaker
from swarm_core.engine import search_settings
from swarm_core.engine.work import Kind

KINDS_USING_SERVERS = (Kind.ITERATE, Kind.CONCLUDE)
"""The kinds of work that ask servers."""


def parallelism(resolved: ResolvedSpec, seeds: int) -> int:
    """How many of `seeds` adapters are trained at once: all, or as many as accelerators allow; one at least."""
    cluster = resolved.execution.kubernetes
    each = cluster.trainer.accelerators
    return max(1, min(seeds, cluster.max_accelerators // each if each else seeds))


def concurrent_trainers(resolved: ResolvedSpec) -> int:
    """How many adapters are trained at once, at most: those of all sides first, later ones one at a time."""
    outline = search_settings.build_outline(resolved)
    if outline.seeds:
        return parallelism(resolved, len(outline.seeds))
    return int(any(side.trains for side in outline.sides))


def while_training(resolved: ResolvedSpec) -> int:
    """Accelerators held while adapters are trained."""
    return concurrent_trainers(resolved) * resolved.execution.kubernetes.trainer.accelerators


def while_searching(resolved: ResolvedSpec) -> int:
    """Accelerators held while the swarm is measured: by the servers, or by the one pod that does it all."""
    cluster = resolved.execution.kubernetes
    if has_servers(cluster):
        return len(base_models(resolved)) * cluster.servers.replicas * cluster.servers.held
    return cluster.trainer.accelerators


def peak(resolved: ResolvedSpec) -> int:
    """Most accelerators held at one time."""
    return max(while_training(resolved), while_searching(resolved))


def has_servers(cluster: KubernetesExecution) -> bool:
    """Whether the run has servers."""
    return cluster.inference is not ClusterInference.LOCAL


def base_models(resolved: ResolvedSpec) -> tuple[str, ...]:
    """The URIs of the distinct models that adapters are of: the base first, then takers' own in their order."""
    own = [taker.model for taker in resolved.takers if isinstance(taker, ResolvedTaker)]
    return tuple(dict.fromkeys([resolved.base.model, *own]))
