"""The total usage of a run, kept in its store. Every worker adds its own usage, on whichever machine it runs.

The total grows with each rollout and with each work item. The usage of a killed process since its last report is not
counted. Work that another process repeats counts again: the total is the cost of the run, and says nothing about its
result.
"""

import json

from swarm_core.ports import ArtifactStore
from swarm_core.recipe import canonical_json
from swarm_core.usage import NO_USAGE, Usage
from swarm_trainer.meter import Meter

KEY = "usage.json"
"""The key of a pointer whose sums only grow."""


def record(store: ArtifactStore, meter: Meter) -> Usage:
    """Add the usage that `meter` counted since the last call to the run's total; return that usage.

    Raises StoreError.
    """
    taken = meter.take()
    while taken != NO_USAGE:
        stored = store.read(KEY)
        total = (parse(stored) if stored is not None else NO_USAGE) + taken
        if store.swap(KEY, stored, canonical_json(total.to_fields())):
            break
    return taken


def load(store: ArtifactStore) -> Usage:
    """Return the usage of the run so far. Raises StoreError."""
    stored = store.read(KEY)
    return NO_USAGE if stored is None else parse(stored)


def parse(data: bytes) -> Usage:
    """Parse a stored total."""
    return Usage.from_fields(json.loads(data))
