"""Loads the output of `prepare` and `train` from a run's store: the experiment, its seed data, the trained adapters.

Everything is read by the digest that a receipt names. So a changed object is found before a run builds on it.
"""

from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.work import Kind, WorkItem
from swarm_core.experiment import Experiment, SeedData
from swarm_core.ports import ArtifactStore, StoreError
from swarm_core.recipe import Digest
from swarm_trainer.run_store import receipt_store


def load(store: ArtifactStore) -> tuple[Digest, Experiment]:
    """Return the digest of the experiment's manifest, and the experiment.

    Raises StoreError before the run is prepared.
    """
    receipt = receipt_store.load(store, WorkItem(Kind.PREPARE).key)
    if receipt is None:
        raise StoreError("the experiment is not prepared: its receipt is missing from the store; run prepare first")
    digest = receipt.outputs[Output.EXPERIMENT]
    return digest, Experiment.from_bytes(store.get(digest).read_bytes())


def load_seed_data(store: ArtifactStore, experiment: Experiment) -> SeedData:
    """Load the seed items of `experiment`, which in a game is that of one side. Raises StoreError."""
    return SeedData.from_bytes(store.get(experiment.data).read_bytes())


def find_adapter(store: ArtifactStore, swarm: str, index: int) -> Digest:
    """Return the digest of adapter `index` of a swarm, trained on a seed cluster or in a later round.

    Raises StoreError.
    """
    key = WorkItem(Kind.TRAIN, swarm, index).key
    receipt = receipt_store.load(store, key)
    if receipt is None:
        raise StoreError(
            f"adapter {index} of the {swarm} is not trained: the receipt of {key} is missing from the store"
        )
    return receipt.outputs[Output.ADAPTER]
