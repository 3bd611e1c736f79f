"""Connects the cluster commands to a cluster, as kubectl does: by KUBECONFIG or the user's kubeconfig.

They only read.

Limits: the current context. Texts from the cluster are untrusted, so control characters are removed before printing.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from swarm_core import program_registry
from swarm_core.api import custom_resources, figures
from swarm_core.api.custom_resources import find_resources_by_name
from swarm_core.api.figures import Figure
from swarm_core.errors import BadInputError
from swarm_core.text import printable
from swarm_operator.api_client.cluster import ApiError, Cluster, NotFoundError, ObjectReference
from swarm_operator.common.reconcile_plan import Object

CALL_SECONDS = 15.0
T = TypeVar("T")
Query = Callable[[Cluster, Object], Awaitable[T]]
"""A function that gets the cluster and the run that the user named."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name a run on a cluster."""
    parser.add_argument(
        "name", metavar="NAME", help="name of a run in the cluster of your kubeconfig, as NAME or KIND/NAME"
    )
    parser.add_argument(
        "--namespace",
        "-n",
        metavar="NS",
        help="look for the run in this namespace (default: the namespace of the current context)",
    )


def run_query(arguments: argparse.Namespace, work: Query[T]) -> T:
    """Run `work` on the cluster. Raises BadInputError if the cluster does not respond or has no such run."""
    try:
        return asyncio.run(_run_query(arguments, work))
    except NotFoundError as error:
        raise BadInputError(f"{error}; list all runs with `kubectl get swarm --all-namespaces`") from error
    except ApiError as error:
        raise BadInputError(f"{error}; check whether `kubectl get swarm` works") from error


async def _run_query(arguments: argparse.Namespace, work: Query[T]) -> T:
    try:
        from kubernetes.aio import config  # noqa: PLC0415 (a slow import that other commands do not need)

        from swarm_operator.api_client import client, token_bucket  # noqa: PLC0415
    except ImportError as error:
        raise BadInputError("the Kubernetes client is not installed; run: pip install 'dataswarm[operator]'") from error
    api = await client.connect()
    try:
        with client.translate_config_errors():
            namespace = arguments.namespace or _current_namespace(config)
        unbounded = token_bucket.TokenBucket(0, 1, time.monotonic)
        cluster = client.AioCluster(api, lambda: CALL_SECONDS, unbounded, lambda *_: None)
        return await work(cluster, await find_run(cluster, namespace, arguments.name))
    finally:
        await api.close()


async def find_run(cluster: Cluster, namespace: str, argument: str) -> Object:
    """The run that the user named as NAME or KIND/NAME.

    Raises ApiError. Raises BadInputError if the argument does not name exactly one run.
    """
    kind, _, name = argument.rpartition("/")
    registered = program_registry.list_kinds()
    kinds = [one.kind for one in find_resources_by_name(kind)] if kind else list(registered)
    if not kinds:
        raise BadInputError(f"{argument}: there is no kind of run {kind!r}; write one of {', '.join(registered)}")
    if not name:  # with an empty name, the server would return a list of all runs
        raise BadInputError(f"{argument!r} names no run; write NAME or KIND/NAME")
    targets = [ObjectReference(kind, namespace, name) for kind in kinds]
    found = [run for target in targets if (run := await _read_or_none(cluster, target)) is not None]
    if not found:
        raise NotFoundError(f"{targets[0] if len(kinds) == 1 else f'run {namespace}/{name}'} does not exist", 404)
    if len(found) > 1:
        alternatives = " or ".join(f"{run['kind'].lower()}/{name}" for run in found)
        raise BadInputError(f"{name}: runs of several kinds have this name; write {alternatives}")
    return found[0]


async def _read_or_none(cluster: Cluster, target: ObjectReference) -> Object | None:
    try:
        return await cluster.read(target)
    except NotFoundError:
        return None


def reference_to(run: Object) -> ObjectReference:
    """The kind, namespace and name of a run."""
    return ObjectReference(run["kind"], run["metadata"]["namespace"], run["metadata"]["name"])


def _current_namespace(config: object) -> str:
    """The namespace of the current context."""
    _, active = config.list_kube_config_contexts()  # type: ignore[attr-defined]
    return str(active["context"].get("namespace") or "default")


def printable_line(text: object) -> str:
    """`text` as one line without control characters."""
    return printable.to_single_line(str(text))


def printable_name(manifest: Object) -> str:
    """The name of an object as printable text."""
    return printable_line(manifest["metadata"]["name"])


def list_figures(run: Object) -> list[Figure]:
    """The figures that the status of `run` contains, in the order of its program.

    Raises BadInputError for an unknown kind.
    """
    return figures.list_present(custom_resources.find_resource(run["kind"]).figures, run.get("status") or {})


def format_headline(run: Object) -> str:
    """The name, phase, reason and message of a run in one line."""
    status = run.get("status") or {}
    message = (
        status.get("message") or "no operator has reconciled it; check that one is installed and watches this namespace"
    )
    reason = f" ({status['reason']})" if status.get("reason") else ""
    where = f"{status.get('phase', 'Pending')}{reason}, {message}"
    return f"{printable_name(run)}: {printable_line(where)}"
