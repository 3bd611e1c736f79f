"""Builds the context of a step in a pod: from the mounted spec file, the store that the spec names, and the servers.

`execution.kubernetes` selects the engine that generates text. `execution.local.threads` and `.lanes` apply here too,
because the local engine is the same. `execution.local.device` does not: a pod uses the device that Kubernetes assigned.

Environment: DATASWARM_SERVERS is a JSON object from the URI of a model to the address of its server, and
DATASWARM_SERVER_KEY is the key of those servers. Credentials of the store come from the usual AWS provider chain.
"""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path

from swarm_core.api.execution import Device, InferenceType, LocalExecution, S3Storage
from swarm_core.api.kubernetes import ClusterInference
from swarm_core.api.resolved import ResolvedRun
from swarm_core.engine.container_contract import SERVER_KEY_VARIABLE, SERVERS_VARIABLE
from swarm_core.errors import BadInputError
from swarm_trainer.inference.endpoint import ExternalServers
from swarm_trainer.meter import Meter
from swarm_trainer.runtime.context import Context
from swarm_trainer.sources import fetch_cache
from swarm_trainer.stores import store_location
from swarm_trainer.worker.session import WorkerSpec, reject_progress

MIN_LANES = 4
"""The least number of candidates that are measured at once with servers: one is scored while another generates."""
CPU_QUOTA_FILE = Path("/sys/fs/cgroup/cpu.max")
"""Two numbers (cgroup v2): microseconds of CPU time per microseconds of wall-clock time. `max` means no limit."""


def build_context(spec: WorkerSpec, cache: Path, environment: Mapping[str, str]) -> Context:
    """Return the context of a pod. Raises BadInputError if the run has no bucket, StoreError if it cannot be opened."""
    resolved = resolve_execution(spec.resolved)
    unpacked = cache / "artifacts"
    meter = Meter()
    store = store_location.open_store(require_bucket(resolved), unpacked, meter)
    servers = find_servers(resolved, environment)
    return Context(resolved, store, unpacked, spec.base_folder, reject_progress, external_servers=servers, meter=meter)


def set_input_cache(cache: Path) -> None:
    """Make this process fetch inputs into `cache`, where other pods on the same volume find them."""
    os.environ[fetch_cache.CACHE_VARIABLE] = str(cache / "inputs")


def require_bucket(resolved: ResolvedRun) -> S3Storage:
    """Return the bucket of the run's store. Raises BadInputError if the spec names none."""
    if not isinstance(resolved.storage, S3Storage):
        raise BadInputError("spec.storage: pods share no folder; set type S3 and a bucket")
    return resolved.storage


def resolve_execution(resolved: ResolvedRun) -> ResolvedRun:
    """Return the spec with `execution.local` replaced by the settings that apply in a pod."""
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


def find_servers(resolved: ResolvedRun, environment: Mapping[str, str]) -> ExternalServers | None:
    """Return the servers of the run, or None if the pod itself generates text. Pods start no servers."""
    if resolved.execution.local.inference is InferenceType.LOCAL:
        return None
    return ExternalServers(json.loads(environment.get(SERVERS_VARIABLE, "{}")), environment.get(SERVER_KEY_VARIABLE))


def count_cores(quota: Path = CPU_QUOTA_FILE) -> int:
    """Return the number of processor cores this pod may use, at least 1: its CPU limit, or all cores if it has none.

    Libraries start one thread for each core of the machine. Under a smaller CPU limit those threads mostly wait for
    each other, so the limit decides how many to start.
    """
    available = len(os.sched_getaffinity(0))
    try:
        work, time = quota.read_text().split()
        return available if work == "max" else max(1, min(available, math.floor(int(work) / int(time))))
    except (OSError, ValueError):
        return available
