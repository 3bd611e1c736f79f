"""Gives the gates of a run the data that they compare items with, which `prepare` stored.

The items of a data set, and the indices of them, are loaded once per process and shared by all measurements.
"""

from dataclasses import replace

from swarm_core.api import parts
from swarm_core.api.resolved import PartUse
from swarm_core.experiment import Experiment, SeedData
from swarm_core.gates.gate_context import ItemSet
from swarm_core.gates.registry import GateChoice
from swarm_core.item_index import ItemIndex
from swarm_core.ports import Judge
from swarm_core.recipe import Digest
from swarm_trainer.evaluation import run_parts
from swarm_trainer.runtime.context import Context


def load_gates(context: Context, experiment: Experiment, judge: Judge) -> tuple[GateChoice, ...]:
    """Return the gates of the run, each with its data. Raises BadInputError, StoreError."""
    resolved = context.resolved
    choices = zip(run_parts.list_gates(resolved), parts.list_gates(resolved), strict=True)
    return tuple(replace(choice, data=load_data_sets(context, experiment, use, judge)) for choice, use in choices)


def load_data_sets(context: Context, experiment: Experiment, use: PartUse, judge: Judge) -> tuple[ItemSet, ...]:
    """Return the data sets of one part. Raises StoreError."""
    stored = experiment.data_sets or {}
    return tuple(
        load_data_set(context, stored[field], source.name or f"data set {place}", judge)
        for place, (field, source) in enumerate(parts.list_data_sets(use), 1)
    )


def load_data_set(context: Context, digest: Digest, name: str, judge: Judge) -> ItemSet:
    """Return the items that are stored under a digest. Raises StoreError."""

    def load() -> ItemSet:
        items = SeedData.from_bytes(context.store.get(digest).read_bytes()).example_items
        return ItemSet(name, ItemIndex(items, judge))

    return context.memo.get(("data set", digest, name), load)
