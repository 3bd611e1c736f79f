"""What a verb finds around it in a pod: the order it was mounted, the store that the spec names, and the servers.

How a run is carried out here is said by `execution.kubernetes`: which engine writes the texts, and on what. What
`execution.local` says of the local engine (threads, lanes) holds here too, for it is the same engine; its device does
not, for a pod works on what it was given.

Environment: DATASWARM_SERVERS is a JSON object from a model's URI to the address of its server, DATASWARM_SERVER_KEY
what they ask for. Keys of the store come by the usual chain of AWS tools.
"""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path

from swarm_core.api.execution import Device, InferenceType, LocalExecution, S3Storage
from swarm_core.api.kubernetes import ClusterInference
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.engine.container_contract import SERVER_KEY_VARIABLE, SERVERS_VARIABLE
from swarm_core.errors import BadInputError
from swarm_trainer.inference.endpoint import ExternalServers
from swarm_trainer.meter import Meter
from swarm_trainer.runtime.context import Context
from swarm_trainer.sources import fetch_cache
from swarm_trainer.stores import store_location
from swarm_trainer.worker.session import WorkerSpec, reject_progress

MIN_LANES = 4
"""Candidates that servers are asked for at once, at least: while one is judged here, they answer for another."""
CPU_QUOTA_FILE = Path("/sys/fs/cgroup/cpu.max")
"""Two numbers, microseconds of work per microseconds of time; `max` for the first is no limit (cgroup v2)."""


def build(spec: WorkerSpec, cache: Path, environment: Mapping[str, str]) -> Context:
    """The context of a pod. Raises BadInputError, StoreError."""
    resolved = resolve_execution(spec.resolved)
    unpacked = cache / "artifacts"
    meter = Meter()
    store = store_location.open_store(require_bucket(resolved), unpacked, meter)
    servers = find_servers(resolved, environment)
    return Context(resolved, store, unpacked, spec.base_folder, reject_progress, elsewhere=servers, meter=meter)


def set_input_cache(cache: Path) -> None:
    """From now on this process fetches inputs into `cache`, where other pods may find them."""
    os.environ[fetch_cache.CACHE_VARIABLE] = str(cache / "inputs")


def require_bucket(resolved: ResolvedSpec) -> S3Storage:
    """Where the run's store is. Raises BadInputError."""
    if not isinstance(resolved.storage, S3Storage):
        raise BadInputError("spec.storage: pods share no folder; give type S3 and a bucket")
    return resolved.storage


def resolve_execution(resolved: ResolvedSpec) -> ResolvedSpec:
    """The spec as a pod carries it out: `execution.local` says what pods do."""
    execution = resolved.execution
    settings = execution.local
    in_pod = execution.kubernetes.inference is ClusterInference.LOCAL
    local = LocalExecution(
        inference=InferenceType.LOCAL if in_pod else InferenceType.VLLM,
        device=Device.AUTO,
        threads=settings.threads or count_cores(),
        lanes=settings.lanes if in_pod else max(settings.lanes, MIN_LANES),
    )
    return resolved.model_copy(update={"execution": execution.model_copy(update={"local": local})})


def find_servers(resolved: ResolvedSpec, environment: Mapping[str, str]) -> ExternalServers | None:
    """The servers of the run: pods start none of their own. None where the texts are written in the pod itself."""
    if resolved.execution.local.inference is InferenceType.LOCAL:
        return None
    return ExternalServers(json.loads(environment.get(SERVERS_VARIABLE, "{}")), environment.get(SERVER_KEY_VARIABLE))


def count_cores(quota: Path = CPU_QUOTA_FILE) -> int:
    """The number of processor cores this pod may use, at least 1: its CPU limit, or every core where it has none.

    Libraries start one thread for each core of the machine. Under a smaller CPU limit those threads mostly wait for
    each other, so the limit decides how many to start.
    """
    available = len(os.sched_getaffinity(0))
    try:
        work, time = quota.read_text().split()
        return available if work == "max" else max(1, min(available, math.floor(int(work) / int(time))))
    except (OSError, ValueError):
        return available
