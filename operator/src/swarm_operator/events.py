"""Builds the Kubernetes events of a run, which `kubectl describe` shows. Retries of the same event yield one object.

The name of an event is a digest of its text and its run. So an event that is created again, by another process or after
a restart, has a name that exists already.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any

from swarm_operator.common import names
from swarm_operator.common.reconcile_plan import Event, Object

MESSAGE_CHARACTERS = 1024
"""The API server refuses longer messages."""


def _build_reference(run: Object) -> dict[str, str]:
    """Return the reference of an Event to its run."""
    fields = {name: str(run["metadata"][name]) for name in ("name", "namespace", "uid")}
    return {"apiVersion": run["apiVersion"], "kind": run["kind"], **fields}


def build_event(run: Object, event: Event) -> dict[str, Any]:
    """Return the Event object."""
    metadata, now = run["metadata"], datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    content = "\n".join((str(metadata["uid"]), event.type, event.reason, event.message, event.occurrence))
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            # A name has at most 253 characters.
            "name": f"{metadata['name'][:200]}.{hashlib.sha256(content.encode()).hexdigest()[:16]}",
            "namespace": metadata["namespace"],
        },
        "involvedObject": _build_reference(run),
        "type": event.type,
        "reason": event.reason,
        "message": event.message[:MESSAGE_CHARACTERS],
        "source": {"component": names.MANAGER},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
