"""The framework's side of the operator: every kopf decorator, and nothing else. `kopf run -m swarm_operator.main`.

kopf keeps the watches, the login and the process; what it tells goes to our own cache and queue, and what is written is
written by our own client. With `on.event` handlers alone it writes nothing to anybody's object: no annotation, no
finalizer. Its peering, its scanning of the cluster and its posting of log lines as events are off.
"""

import dataclasses
import datetime
import logging
import os
import time
from collections.abc import Iterator
from typing import Any

import kopf

from swarm_core.api import custom_resources
from swarm_core.api.run import API_GROUP, API_VERSION
from swarm_operator import process
from swarm_operator.api_client import resources
from swarm_operator.common import names
from swarm_operator.reconciler import reconcile

QUIET_LOGGERS = ("kopf.objects", "kopf.activities", "kopf._core", "aiohttp.access")
"""Loggers that tell of every event; we tell of what follows from them."""
LOGIN_MINUTES = 10
"""A service account's token is read again so often, long before it expires."""
WATCH_SECONDS = 300
"""The server ends a watch after so long, and it is begun again: half-dead connections do not last."""


class Backoffs:
    """Pauses between tries of the framework's own requests, without end: an API server that is away comes back."""

    def __iter__(self) -> Iterator[float]:
        yield from (0.2, 0.5, 1.0, 2.0)
        while True:
            yield 5.0


@kopf.on.startup()
async def startup(settings: kopf.OperatorSettings, memo: kopf.Memo, **_: Any) -> None:
    """Configure the framework and begin."""
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.networking.error_backoffs = Backoffs()
    settings.networking.request_timeout = 30.0
    settings.networking.connect_timeout = 5.0
    settings.watching.server_timeout = WATCH_SECONDS
    settings.watching.connect_timeout = 5.0
    settings.watching.chunk_size = 250
    for kind in resources.CHILD_KINDS:
        settings.watching.label_selectors[resources.find_resource(kind).plural] = names.RUN_UID_LABEL
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    memo.process = await process.start(reconcile.reconcile, time.monotonic)


@kopf.on.cleanup()
async def cleanup(memo: kopf.Memo, **_: Any) -> None:
    """End cleanly."""
    await memo.process.stop()


@kopf.on.login()
def login(**known: Any) -> kopf.ConnectionInfo | None:
    """The credentials our own client uses: KUBECONFIG if it is set, else the service account's token as it is now."""
    info = None if os.environ.get("KUBECONFIG") else kopf.login_with_service_account(**known)
    if info is None:
        return kopf.login_with_kubeconfig(**known)
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=LOGIN_MINUTES)
    return dataclasses.replace(info, expiration=soon)


@kopf.on.event("batch", "v1", "jobs")
@kopf.on.event("", "v1", "pods")
@kopf.on.event("apps", "v1", "deployments")
async def event(event: kopf.RawEvent, resource: kopf.Resource, memo: kopf.Memo, **_: Any) -> None:
    """Tell our cache. `resource` says what a listed object itself leaves out: its kind."""
    memo.process.host.record(resource.kind, event["type"], event["object"])


for run_resource in custom_resources.list_all():
    kopf.on.event(API_GROUP, API_VERSION, run_resource.plural)(event)


@kopf.on.probe(id="operator")
async def probe(memo: kopf.Memo, **_: Any) -> dict[str, Any]:
    """Leader, queue, age of what is known; an error once this process is of no use."""
    return memo.process.host.health()  # type: ignore[no-any-return]
