"""The effort of a run, kept in its store: every worker adds what it did, whichever machine it is on.

It grows with each rollout and with each work item. What a killed process did since its last report is lost to the
count; what another does again counts again: it is what the run took, and says nothing of its result.
"""

import json

from swarm_core.effort import NONE, Effort
from swarm_core.ports import ArtifactStore
from swarm_core.recipe import canonical_json
from swarm_trainer.verbs.context import Context

KEY = "effort.json"
"""A pointer; its sums only grow."""


def report(context: Context) -> Effort:
    """Add what came together since the last report to the run's; return it. Raises StoreError."""
    taken = context.meter.take()
    while taken != NONE:
        standing = context.store.read(KEY)
        total = (parsed(standing) if standing is not None else NONE) + taken
        if context.store.swap(KEY, standing, canonical_json(total.to_fields())):
            break
    return taken


def total(store: ArtifactStore) -> Effort:
    """The effort of the run so far. Raises StoreError."""
    standing = store.read(KEY)
    return NONE if standing is None else parsed(standing)


def settle(context: Context) -> None:
    """At the end of a work item: nothing that was done or spent stays untold. Raises StoreError."""
    if context.chat is not None:
        context.chat.settle()
    report(context)


def parsed(data: bytes) -> Effort:
    return Effort.from_fields(json.loads(data))
