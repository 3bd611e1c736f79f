"""The effort of a run, kept in its store: every worker adds what it did, whichever machine it is on.

It grows with each rollout and with each work item. What a killed process did since its last report is lost to the
count; what another does again counts again: it is what the run took, and says nothing of its result.
"""

import json

from swarm_core.ports import ArtifactStore
from swarm_core.recipe import canonical_json
from swarm_core.usage import NO_USAGE, Usage
from swarm_trainer.runtime.context import Context

KEY = "effort.json"
"""A pointer; its sums only grow."""


def record(context: Context) -> Usage:
    """Add what came together since the last report to the run's; return it. Raises StoreError."""
    taken = context.meter.take()
    while taken != NO_USAGE:
        standing = context.store.read(KEY)
        total = (parse(standing) if standing is not None else NO_USAGE) + taken
        if context.store.swap(KEY, standing, canonical_json(total.to_fields())):
            break
    return taken


def load(store: ArtifactStore) -> Usage:
    """The effort of the run so far. Raises StoreError."""
    standing = store.read(KEY)
    return NO_USAGE if standing is None else parse(standing)


def flush(context: Context) -> None:
    """At the end of a work item: nothing that was done or spent stays untold. Raises StoreError."""
    if context.chat is not None:
        context.chat.flush_budget()
    record(context)


def parse(data: bytes) -> Usage:
    return Usage.from_fields(json.loads(data))
