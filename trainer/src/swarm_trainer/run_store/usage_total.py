"""The usage of a run, kept in its store: every worker adds what it did, whichever machine it is on.

The total grows with each rollout and with each work item. What a killed process did since its last report is not
counted. What another process does again counts again: usage is what the run took, and says nothing about its result.
"""

import json

from swarm_core.ports import ArtifactStore
from swarm_core.recipe import canonical_json
from swarm_core.usage import NO_USAGE, Usage
from swarm_trainer.meter import Meter

KEY = "effort.json"
"""A pointer; its sums only grow."""


def record(store: ArtifactStore, meter: Meter) -> Usage:
    """Add what `meter` counted since the last call to the run's total; return it. Raises StoreError."""
    taken = meter.take()
    while taken != NO_USAGE:
        stored = store.read(KEY)
        total = (parse(stored) if stored is not None else NO_USAGE) + taken
        if store.swap(KEY, stored, canonical_json(total.to_fields())):
            break
    return taken


def load(store: ArtifactStore) -> Usage:
    """The usage of the run so far. Raises StoreError."""
    stored = store.read(KEY)
    return NO_USAGE if stored is None else parse(stored)


def parse(data: bytes) -> Usage:
    return Usage.from_fields(json.loads(data))
