"""The kopf handlers of the operator, and nothing else. Run it with `kopf run -m swarm_operator.main`.

kopf runs the watches, the login and the process. The handlers pass its events to our own cache and queue, and our own
client makes all writes. With `on.event` handlers alone, kopf writes nothing to any object: no annotation and no
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
from swarm_operator import logs, process
from swarm_operator import settings as operator_settings
from swarm_operator.api_client import resources
from swarm_operator.common import names
from swarm_operator.reconciler import reconcile

QUIET_LOGGERS = ("kopf", "aiohttp.access")
"""Loggers of libraries, which log every watch event. The operator logs what it does about them."""
LOGIN_MINUTES = 10
"""kopf reads the token of the service account again after this time, long before the token expires."""
WATCH_SECONDS = 300
"""The server ends each watch after this time and kopf starts it again, so a half-open connection does not last."""


class Backoffs:
    """Delays between retries of kopf's own requests, without an end: the API server will come back."""

    def __iter__(self) -> Iterator[float]:
        yield from (0.2, 0.5, 1.0, 2.0)
        while True:
            yield 5.0


@kopf.on.startup()
async def startup(settings: kopf.OperatorSettings, memo: kopf.Memo, **_: Any) -> None:
    """Configure kopf and the log, and start the process."""
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
    logs.configure(operator_settings.from_environment(os.environ).log_format)
    memo.process = await process.start(reconcile.reconcile, time.monotonic)


@kopf.on.cleanup()
async def cleanup(memo: kopf.Memo, **_: Any) -> None:
    """Stop the process cleanly."""
    await memo.process.stop()


@kopf.on.login()
def login(**known: Any) -> kopf.ConnectionInfo | None:
    """The credentials of our own client: KUBECONFIG if it is set, else the current token of the service account."""
    info = None if os.environ.get("KUBECONFIG") else kopf.login_with_service_account(**known)
    if info is None:
        return kopf.login_with_kubeconfig(**known)
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=LOGIN_MINUTES)
    return dataclasses.replace(info, expiration=soon)


@kopf.on.event("batch", "v1", "jobs")
@kopf.on.event("", "v1", "pods")
@kopf.on.event("apps", "v1", "deployments")
async def event(event: kopf.RawEvent, resource: kopf.Resource, memo: kopf.Memo, **_: Any) -> None:
    """Pass an event to our cache. `resource` has the kind, which an object of a list lacks."""
    memo.process.host.record(resource.kind, event["type"], event["object"])


for run_resource in custom_resources.list_resources():
    kopf.on.event(API_GROUP, API_VERSION, run_resource.plural)(event)


@kopf.on.probe(id="operator")
async def probe(memo: kopf.Memo, **_: Any) -> dict[str, Any]:
    """Leadership, queue length and age of the last response. Raises RuntimeError if the process must be restarted."""
    return memo.process.host.health()  # type: ignore[no-any-return]
