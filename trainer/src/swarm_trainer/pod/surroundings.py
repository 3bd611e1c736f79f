"""What a verb finds around it in a pod: the order it was mounted, the store that the spec names, and the servers.

How a run is carried out here is said by `execution.kubernetes`: which engine writes the texts, and on what. What
`execution.local` says of the local engine (threads, lanes) holds here too, for it is the same engine; its device does
not, for a pod works on what it was given.

Environment: DATASWARM_SERVERS is a JSON object from a model's URI to the address of its server, DATASWARM_SERVER_KEY
what they ask for. Keys of the store come by the usual chain of AWS tools.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from swarm_core.api.execution import Device, InferenceType, LocalExecution, S3Storage
from swarm_core.api.kubernetes import ClusterInference
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.engine.container import SERVER_KEY, SERVERS
from swarm_core.errors import BadInputError
from swarm_trainer.inference.endpoint import Elsewhere
from swarm_trainer.meter import Meter
from swarm_trainer.pod import cores
from swarm_trainer.sources import depot
from swarm_trainer.stores import opening
from swarm_trainer.verbs.context import Context
from swarm_trainer.worker.session import Order, unheard

LANES = 4
"""Candidates that servers are asked for at once, at least: while one is judged here, they answer for another."""


def surroundings(order: Order, cache: Path, environment: Mapping[str, str]) -> Context:
    """The context of a pod. Raises BadInputError, StoreError."""
    resolved = hosted(order.resolved)
    own = cache / "artefacts"
    meter = Meter()
    store = opening.opened(bucket(resolved), own, meter)
    others = elsewhere(resolved, environment)
    return Context(resolved, store, own, order.base_folder, unheard, elsewhere=others, meter=meter)


def keep_inputs(cache: Path) -> None:
    """From now on this process fetches inputs into `cache`, where other pods may find them."""
    os.environ[depot.VARIABLE] = str(cache / "inputs")


def bucket(resolved: ResolvedSpec) -> S3Storage:
    """Where the run's store is. Raises BadInputError."""
    if not isinstance(resolved.storage, S3Storage):
        raise BadInputError("spec.storage: pods share no folder; give type S3 and a bucket")
    return resolved.storage


def hosted(resolved: ResolvedSpec) -> ResolvedSpec:
    """The spec as a pod carries it out: `execution.local` says what pods do."""
    execution = resolved.execution
    told = execution.local
    alone = execution.kubernetes.inference is ClusterInference.LOCAL
    local = LocalExecution(
        inference=InferenceType.LOCAL if alone else InferenceType.VLLM,
        device=Device.AUTO,
        threads=told.threads or cores.allotted(),
        lanes=told.lanes if alone else max(told.lanes, LANES),
    )
    return resolved.model_copy(update={"execution": execution.model_copy(update={"local": local})})


def elsewhere(resolved: ResolvedSpec, environment: Mapping[str, str]) -> Elsewhere | None:
    """The servers of the run: pods start none of their own. None where the texts are written in the pod itself."""
    if resolved.execution.local.inference is InferenceType.LOCAL:
        return None
    return Elsewhere(json.loads(environment.get(SERVERS, "{}")), environment.get(SERVER_KEY))
