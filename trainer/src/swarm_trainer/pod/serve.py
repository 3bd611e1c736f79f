"""Starts the vLLM server of one base model: fetches and checks the model, computes the flags, and executes vLLM.

The flags follow from the spec and the store, by the same code as on one machine (`runtime.engines.build_server_spec`).
The pod itself detects an accelerator, and `execution.kubernetes.servers` sets the share of its memory to use. The
server's plug-in fetches adapters by digest, so a restarted server needs no further instructions.
"""

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from swarm_core.engine.container_contract import SERVER_KEY_VARIABLE
from swarm_core.errors import BadInputError
from swarm_trainer.inference import vllm_server
from swarm_trainer.inference.vllm_server import ServerConfig
from swarm_trainer.pod import draining, pod_context, termination_message
from swarm_trainer.runtime.context import Context
from swarm_trainer.worker import loop, session
from swarm_trainer.worker.messages import FailedAttempt
from swarm_trainer.worker.session import WorkerSpec

SERVE_KEY = "serve"
"""The key in a server's termination message, where other pods name their work item."""


@dataclass(frozen=True, slots=True)
class ServeTask:
    """The arguments of a server pod."""

    spec_file: Path
    model: str
    """The URI of the base model, as in the spec."""
    cache: Path
    port: int
    message: Path


def main(task: ServeTask) -> int:
    """Replace this process by the server. Returns, with an exit code, only if the server cannot be started."""
    draining.release_sigterm()
    try:
        spec = WorkerSpec.from_bytes(task.spec_file.read_bytes())
        pod_context.set_input_cache(task.cache)
        context = pod_context.build_context(spec, task.cache, os.environ)
        session.limit_threads(context.resolved)
        config = build_server_config(task, context)
        command = vllm_server.build_command(config, task.port)
        bucket, key = pod_context.require_bucket(context.resolved), read_server_key()
        environment = vllm_server.build_environment(config, bucket, make_adapter_folder(), key)
        hardware = "processors" if config.cpu else "accelerators"
        print(f"serving on {hardware}: {' '.join(command)}", flush=True)
        os.execve(command[0], command, environment)  # noqa: S606 - our own command
    except Exception as error:
        outcome = FailedAttempt(SERVE_KEY, loop.describe_failure(error, attempt=1))
        termination_message.write(outcome, task.message)
        return termination_message.exit_code(outcome)


def build_server_config(task: ServeTask, context: Context) -> ServerConfig:
    """Return the settings of this server. Raises BadInputError if the run has no such base model; StoreError."""
    from swarm_trainer.evaluation import serving  # noqa: PLC0415 (brings torch, whose threads are limited now)
    from swarm_trainer.run_store import pins  # noqa: PLC0415 (brings torch, whose threads are limited now)
    from swarm_trainer.runtime import engines  # noqa: PLC0415 (brings torch, whose threads are limited now)

    models = serving.list_models(context)
    digest = pins.digests(pins.load(context.store)).get(task.model)
    if digest is None or digest not in models.bases:
        raise BadInputError(
            f"{task.model}: not a base model of this run; give that of spec.base or of one of its takers"
        )
    server_settings = context.resolved.execution.kubernetes.servers
    return replace(
        engines.build_server_spec(context, models, digest),
        host="0.0.0.0",  # noqa: S104 - the pod's own addresses, behind the key
        tensor_parallel=server_settings.tensor_parallel,
        memory_fraction=server_settings.gpu_memory_utilization,
        extra_arguments=server_settings.extra_args,
    )


def make_adapter_folder() -> Path:
    """Create a folder for adapters in shared memory. Deletes folders that an earlier run of the container left."""
    for leftover in vllm_server.SHARED_MEMORY.glob(f"{vllm_server.SCRATCH_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    return vllm_server.make_scratch_folder()


def read_server_key() -> str:
    """Return the key that requests must carry. Raises BadInputError if none is set: the port is open to the cluster."""
    key = os.environ.get(SERVER_KEY_VARIABLE)
    if not key:
        raise BadInputError(f"{SERVER_KEY_VARIABLE} is not set; a server in a cluster needs a key, so set it")
    return key
