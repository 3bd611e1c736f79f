"""Calls the API server over `kubernetes.aio`: an implementation of `Cluster` with a deadline and a rate limit for each
call.

It uses ApiClient only, with the paths of our own table. The generated classes and the dynamic client stay unimported:
together they cost 100 MB, and the dynamic client reads every API of the server into a temporary file.

Invariant: no call takes longer than `seconds()`, including the wait for the rate limit. Nothing is retried here,
because only the caller knows what a lost response means.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from kubernetes.aio import config
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from swarm_operator.api_client import resources
from swarm_operator.api_client.cluster import ApiError, Listing, NotLeaderError, ObjectReference, error_for_status
from swarm_operator.api_client.token_bucket import TokenBucket
from swarm_operator.common import names
from swarm_operator.common.reconcile_plan import Object

PAGE_SIZE = 250
"""Objects per page of a list. A pod is about 10 KB, so a page is a few megabytes."""
SERVICE_ACCOUNT_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/token"
DEFAULT_KUBECONFIG = "~/.kube/config"
MALFORMED = (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError, yaml.YAMLError)
"""What the library raises for a kubeconfig that is no valid one."""
Query = list[tuple[str, str]]
CallObserver = Callable[[str, str, int, float], None]
"""Is called after every call with its verb, kind, status (0 without a response) and seconds."""


async def connect() -> ApiClient:
    """A client with the credentials of KUBECONFIG, if it is set, or else of the service account.

    The client reads the token of the service account again every minute. Raises ApiError if there are no credentials.
    """
    configuration = Configuration()
    with translate_config_errors():
        named = os.environ.get("KUBECONFIG")  # the library would use the value at its import
        if named or not os.path.exists(SERVICE_ACCOUNT_FILE):  # noqa: PTH110, ASYNC240  (one call at start)
            require_kubeconfig(named or DEFAULT_KUBECONFIG)
            await config.load_kube_config(named, client_configuration=configuration, persist_config=False)
        else:
            config.load_incluster_config(client_configuration=configuration)
        return ApiClient(configuration)


@contextlib.contextmanager
def translate_config_errors() -> Iterator[None]:
    """Turn the errors of a kubeconfig into ApiError. The library reads one with whatever its texts and types cause."""
    try:
        yield
    except (config.ConfigException, OSError, *MALFORMED) as error:
        words = " ".join(str(error).split())[:300]
        raise ApiError(
            f"no credentials for the API server: {words}; set KUBECONFIG to a valid file, or run with a service account"
        ) from error


def require_kubeconfig(named: str) -> None:
    """Check that one of the files that KUBECONFIG names exists. Raises OSError."""
    if not any(Path(path).expanduser().exists() for path in named.split(os.pathsep) if path):
        raise FileNotFoundError(f"no kubeconfig at {named}")


@dataclass(frozen=True, slots=True)
class AioCluster:
    """The API server over HTTP."""

    api: ApiClient
    seconds: Callable[[], float]
    """How long a call may take now, in seconds. At 0, no call may be sent."""
    token_bucket: TokenBucket
    on_call: CallObserver

    async def list(self, kind: str, namespace: str | None, selector: str = "", fields: str = "") -> Listing:
        objects: list[Object] = []
        query = [("limit", str(PAGE_SIZE)), ("labelSelector", selector), ("fieldSelector", fields)]
        next_page: Query = []
        while True:
            answer = await self._call("GET", kind, resources.find_resource(kind).path(namespace), query + next_page)
            objects += answer["items"]
            if not (token := answer["metadata"].get("continue")):
                return Listing(tuple(objects), answer["metadata"]["resourceVersion"])
            next_page = [("continue", token)]

    async def read(self, target: ObjectReference) -> Object:
        stored: Object = await self._call("GET", target.kind, _object_path(target))
        return stored

    async def create(self, manifest: Object) -> Object:
        kind, namespace = manifest["kind"], manifest["metadata"]["namespace"]
        path = resources.find_resource(kind).path(namespace)
        # Strict: the server refuses a field that it does not know, such as a misspelled one of the user's affinity. By
        # default it would drop the field, and the pods would run anywhere.
        query = [("fieldManager", names.MANAGER), ("fieldValidation", "Strict")]
        stored: Object = await self._call("POST", kind, path, query, manifest)
        return stored

    async def patch(
        self, target: ObjectReference, body: Mapping[str, Any] | Sequence[Any], subresource: str = ""
    ) -> Object:
        content_type = "merge-patch" if isinstance(body, Mapping) else "json-patch"
        path, query = _object_path(target, subresource), [("fieldManager", names.MANAGER)]
        stored: Object = await self._call("PATCH", target.kind, path, query, body, f"application/{content_type}+json")
        return stored

    async def delete(self, target: ObjectReference, uid: str, grace_seconds: int | None = None) -> Object | None:
        grace = {} if grace_seconds is None else {"gracePeriodSeconds": grace_seconds}
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Background", **grace}
        answer = await self._call("DELETE", target.kind, _object_path(target), [], body)
        return None if answer.get("kind") == "Status" else answer

    async def _call(
        self,
        verb: str,
        kind: str,
        path: str,
        query: Query | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Any:
        seconds = self.seconds()
        if seconds <= 0:
            raise NotLeaderError(f"{verb} {path}: not sent, because this process no longer holds the Lease")
        clock = asyncio.get_running_loop().time
        started, status = clock(), 0
        try:
            async with asyncio.timeout(seconds):
                await self.token_bucket.take()
                status, data = await self._send(verb, path, query or [], body, content_type)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise ApiError(f"{verb} {path}: {str(error) or f'no response within {seconds:.1f} s'}") from error
        finally:
            self.on_call(verb, kind, status, clock() - started)
        if 200 <= status < 300:
            return json.loads(data)
        raise _error_from_response(f"{verb} {path}", status, data)

    async def _send(self, verb: str, path: str, query: Query, body: Any, content_type: str) -> tuple[int, bytes]:
        headers = {"Accept": "application/json", "Content-Type": content_type, "User-Agent": names.MANAGER}
        request = await self.api.param_serialize(
            verb, path, query_params=query, header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        answer = await self.api.call_api(*request)
        return answer.status, await answer.read()


def _object_path(target: ObjectReference, subresource: str = "") -> str:
    return resources.find_resource(target.kind).path(target.namespace, target.name, subresource)


def _error_from_response(call: str, status: int, data: bytes) -> ApiError:
    """The error for a response, which holds a Status object or the text of a proxy."""
    status_object: Any = {}
    with contextlib.suppress(ValueError):
        status_object = json.loads(data)
    if not isinstance(status_object, dict):
        status_object = {}
    message = status_object.get("message") or data[:200].decode(errors="replace")
    details = status_object.get("details") or {}
    if status == 422 and _is_precondition_failure(details.get("causes")):
        status = 409
    wait = details.get("retryAfterSeconds") or 0
    reason = _find_cause(details.get("causes"), "NamespaceTerminating") or status_object.get("reason", "")
    return error_for_status(status, reason, f"{call}: {status} {message}", float(wait))


def _find_cause(causes: Any, reason: str) -> str:
    """`reason`, if one of the causes has it, else nothing."""
    return reason if any(cause.get("reason") == reason for cause in causes or ()) else ""


def _is_precondition_failure(causes: Any) -> bool:
    """Whether a response with status 422 means that the object has another uid than the request named.

    Most kinds report a merge patch with another uid as an invalid field. A JSON patch whose test failed is reported
    without causes. A refusal by a schema always has causes, of other fields.
    """
    return not causes or any(cause.get("field") == "metadata.uid" for cause in causes)
