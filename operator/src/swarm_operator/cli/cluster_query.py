"""How the commands for people reach a cluster: as kubectl does, by KUBECONFIG or the user's own file. They only read.

Limits: the current context. What the cluster says is somebody else's text, so it is made printable before it is shown.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from swarm_core import program_registry
from swarm_core.api.custom_resources import find_by_name
from swarm_core.errors import BadInputError
from swarm_core.text import printable
from swarm_operator.api_client.cluster import ApiError, Cluster, NotFoundError, ObjectReference
from swarm_operator.common.reconcile_plan import Object

CALL_SECONDS = 15.0
T = TypeVar("T")
Query = Callable[[Cluster, Object], Awaitable[T]]
"""What is done with a cluster and the run that was named."""


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments that name a run on a cluster."""
    parser.add_argument("name", metavar="NAME", help="a run on the cluster of your kubeconfig, as NAME or KIND/NAME")
    parser.add_argument("--namespace", "-n", metavar="NS", help="its namespace; absent, that of the current context")


def run_query(arguments: argparse.Namespace, work: Query[T]) -> T:
    """What `work` brings. Raises BadInputError when the cluster cannot be asked, or has no such run."""
    try:
        return asyncio.run(_run_query(arguments, work))
    except NotFoundError as error:
        raise BadInputError(f"{error}; look with `kubectl get swarm --all-namespaces`") from error
    except ApiError as error:
        raise BadInputError(f"{error}; see whether `kubectl get swarm` works") from error


async def _run_query(arguments: argparse.Namespace, work: Query[T]) -> T:
    try:
        from kubernetes.aio import config  # noqa: PLC0415 (other commands start without it)

        from swarm_operator.api_client import client, token_bucket  # noqa: PLC0415
    except ImportError as error:
        raise BadInputError("no client of Kubernetes is installed; pip install 'dataswarm[operator]'") from error
    api = await client.connect()
    try:
        namespace = arguments.namespace or _current_namespace(config)
        unbounded = token_bucket.TokenBucket(0, 1, time.monotonic)
        cluster = client.AioCluster(api, lambda: CALL_SECONDS, unbounded, lambda *_: None)
        return await work(cluster, await find_run(cluster, namespace, arguments.name))
    finally:
        await api.close()


async def find_run(cluster: Cluster, namespace: str, argument: str) -> Object:
    """The run that is named, as NAME or KIND/NAME. Raises ApiError, and BadInputError if the name is not one run's."""
    kind, _, name = argument.rpartition("/")
    registered = program_registry.list_kinds()
    kinds = [one.kind for one in find_by_name(kind)] if kind else list(registered)
    if not kinds:
        raise BadInputError(f"{argument}: no kind of run is called {kind!r}; write one of {', '.join(registered)}")
    if not name:  # without one the server would answer with all the runs there are
        raise BadInputError(f"{argument!r} names no run; write NAME or KIND/NAME")
    targets = [ObjectReference(kind, namespace, name) for kind in kinds]
    found = [run for target in targets if (run := await _read_or_none(cluster, target)) is not None]
    if not found:
        raise NotFoundError(f"{targets[0] if len(kinds) == 1 else f'run {namespace}/{name}'} does not exist", 404)
    if len(found) > 1:
        alternatives = " or ".join(f"{run['kind'].lower()}/{name}" for run in found)
        raise BadInputError(f"{name}: runs of several kinds are called so; write {alternatives}")
    return found[0]


async def _read_or_none(cluster: Cluster, target: ObjectReference) -> Object | None:
    try:
        return await cluster.read(target)
    except NotFoundError:
        return None


def reference_to(run: Object) -> ObjectReference:
    """Where a run that was found is."""
    return ObjectReference(run["kind"], run["metadata"]["namespace"], run["metadata"]["name"])


def _current_namespace(config: object) -> str:
    """The namespace of the current context."""
    _, active = config.list_kube_config_contexts()  # type: ignore[attr-defined]
    return str(active["context"].get("namespace") or "default")


def printable_line(text: object) -> str:
    """Text of a cluster on one line, without what a terminal would act on."""
    return printable.to_single_line(str(text))


def printable_name(manifest: Object) -> str:
    return printable_line(manifest["metadata"]["name"])


def format_headline(run: Object) -> str:
    """Where a run stands, in one line."""
    status = run.get("status") or {}
    message = status.get("message") or "no operator has seen it; is one installed, and does it serve this namespace?"
    return f"{printable_name(run)}: {printable_line(status.get('phase', 'Pending'))}, {printable_line(message)}"
