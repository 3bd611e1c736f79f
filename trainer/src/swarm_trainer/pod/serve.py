"""Become the vLLM server of one base: fetch and check the model, compute the flags, and let vLLM take the process over.

The flags follow from the order and the store by the same words as on one machine (`verbs.engines.wanted`), and whether
there is an accelerator from what the pod finds; how much of it is taken is said by `execution.kubernetes.servers`.
Adapters come to it through its plugin, by digest, so a server that was started again needs to be told nothing.
"""

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from swarm_core.engine.container import SERVER_KEY
from swarm_core.errors import BadInputError
from swarm_trainer.inference import server
from swarm_trainer.inference.server import Served
from swarm_trainer.pod import message, surroundings
from swarm_trainer.verbs.context import Context
from swarm_trainer.worker import loop, session
from swarm_trainer.worker.messages import Unfinished
from swarm_trainer.worker.session import Order

KEY = "serve"
"""What a server's termination message names in place of an item."""


@dataclass(frozen=True, slots=True)
class Post:
    """What a server pod was started for."""

    order: Path
    model: str
    """The URI of the base, as the spec has it."""
    cache: Path
    port: int
    message: Path


def main(post: Post) -> int:
    """Become the server; returns, with an exit code, only if that cannot be."""
    try:
        order = Order.from_bytes(post.order.read_bytes())
        surroundings.keep_inputs(post.cache)
        context = surroundings.surroundings(order, post.cache, os.environ)
        session.limit_threads(context.resolved)
        served = wanted(post, context)
        command = server.command(served, post.port)
        environment = server.environment(served, surroundings.bucket(context.resolved), folder(), key())
        where = "processors" if served.cpu else "accelerators"
        print(f"serving on {where}: {' '.join(command)}", flush=True)
        os.execve(command[0], command, environment)  # noqa: S606 - our own command
    except Exception as error:
        outcome = Unfinished(KEY, loop.failed(error, attempt=1))
        message.write(outcome, post.message)
        return message.code(outcome)


def wanted(post: Post, context: Context) -> Served:
    """What this server is for. Raises BadInputError, StoreError."""
    from swarm_trainer.verbs import engines, pins, setup  # noqa: PLC0415 (brings torch, whose threads are limited now)

    ready = setup.prepared(context)
    stock = ready.stock(context)
    digest = pins.digests(pins.load(context.store)).get(post.model)
    if digest is None or digest not in stock.bases:
        raise BadInputError(f"{post.model}: no base of this run; its bases are those of spec.base and spec.takers")
    asked = context.resolved.execution.kubernetes.servers
    return replace(
        engines.wanted(context, stock, digest),
        host="0.0.0.0",  # noqa: S104 - the pod's own addresses, behind the key
        tensor_parallel=asked.tensor_parallel,
        memory_share=asked.gpu_memory_utilization,
        extra=asked.extra_args,
    )


def folder() -> Path:
    """A new folder for adapters, in memory. What this container left there when it ran before goes."""
    for old in server.MEMORY.glob(f"{server.SCRATCH}*"):
        shutil.rmtree(old, ignore_errors=True)
    return server.scratch()


def key() -> str:
    """What requests have to bring. Raises BadInputError without one: the port is open to the cluster."""
    given = os.environ.get(SERVER_KEY)
    if not given:
        raise BadInputError(f"{SERVER_KEY} is not set; a server in a cluster needs a key")
    return given
