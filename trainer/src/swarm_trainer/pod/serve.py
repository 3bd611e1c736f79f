"""Become the vLLM server of one base: fetch and check the model, compute the flags, and let vLLM take the process over.

The flags follow from the order and the store by the same words as on one machine (`verbs.engines.wanted`), and whether
there is an accelerator from what the pod finds; how much of it is taken is said by `execution.kubernetes.servers`.
Adapters come to it through its plugin, by digest, so a server that was started again needs to be told nothing.
"""

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from swarm_core.engine.container_contract import SERVER_KEY_VARIABLE
from swarm_core.errors import BadInputError
from swarm_trainer.inference import vllm_server
from swarm_trainer.inference.vllm_server import ServerConfig
from swarm_trainer.pod import pod_context, termination_message
from swarm_trainer.runtime.context import Context
from swarm_trainer.worker import loop, session
from swarm_trainer.worker.messages import FailedAttempt
from swarm_trainer.worker.session import WorkerSpec

SERVE_KEY = "serve"
"""What a server's termination message names in place of an item."""


@dataclass(frozen=True, slots=True)
class ServeTask:
    """What a server pod was started for."""

    order: Path
    model: str
    """The URI of the base, as the spec has it."""
    cache: Path
    port: int
    message: Path


def main(post: ServeTask) -> int:
    """Become the server; returns, with an exit code, only if that cannot be."""
    try:
        order = WorkerSpec.from_bytes(post.order.read_bytes())
        pod_context.set_input_cache(post.cache)
        context = pod_context.build(order, post.cache, os.environ)
        session.limit_threads(context.resolved)
        served = build_server_config(post, context)
        command = vllm_server.build_command(served, post.port)
        environment = vllm_server.build_environment(
            served, pod_context.require_bucket(context.resolved), make_adapter_folder(), read_server_key()
        )
        where = "processors" if served.cpu else "accelerators"
        print(f"serving on {where}: {' '.join(command)}", flush=True)
        os.execve(command[0], command, environment)  # noqa: S606 - our own command
    except Exception as error:
        outcome = FailedAttempt(SERVE_KEY, loop.describe_failure(error, attempt=1))
        termination_message.write(outcome, post.message)
        return termination_message.exit_code(outcome)


def build_server_config(post: ServeTask, context: Context) -> ServerConfig:
    """What this server is for. Raises BadInputError, StoreError."""
    from swarm_trainer.evaluation import serving  # noqa: PLC0415 (brings torch, whose threads are limited now)
    from swarm_trainer.run_store import pins  # noqa: PLC0415 (brings torch, whose threads are limited now)
    from swarm_trainer.runtime import engines  # noqa: PLC0415 (brings torch, whose threads are limited now)

    stock = serving.list_models(context)
    digest = pins.digests(pins.load(context.store)).get(post.model)
    if digest is None or digest not in stock.bases:
        raise BadInputError(f"{post.model}: no base of this run; its bases are those of spec.base and spec.takers")
    asked = context.resolved.execution.kubernetes.servers
    return replace(
        engines.build_server_spec(context, stock, digest),
        host="0.0.0.0",  # noqa: S104 - the pod's own addresses, behind the key
        tensor_parallel=asked.tensor_parallel,
        memory_fraction=asked.gpu_memory_utilization,
        extra=asked.extra_args,
    )


def make_adapter_folder() -> Path:
    """A new folder for adapters, in memory. What this container left there when it ran before goes."""
    for old in vllm_server.SHARED_MEMORY.glob(f"{vllm_server.SCRATCH_PREFIX}*"):
        shutil.rmtree(old, ignore_errors=True)
    return vllm_server.make_scratch_folder()


def read_server_key() -> str:
    """What requests have to bring. Raises BadInputError without one: the port is open to the cluster."""
    given = os.environ.get(SERVER_KEY_VARIABLE)
    if not given:
        raise BadInputError(f"{SERVER_KEY_VARIABLE} is not set; a server in a cluster needs a key")
    return given
