"""Are the inputs still those the run began with? Asked when a run goes on, before any work is given out.

A run works with what `prepare` pinned, so a changed seed file would not change it; but whoever changed the file means
something by it, and going on without a word would hide that. What is elsewhere is not fetched to be looked at: a run is
of the version that it pinned, and whoever fetches that again compares its digest.
"""

from swarm_core.api import resolution
from swarm_core.api.resolution import UriRole
from swarm_core.ports import ArtifactStore
from swarm_trainer.maintenance import fork_origin
from swarm_trainer.run_store import pins
from swarm_trainer.runtime import inputs
from swarm_trainer.sources import source_uri
from swarm_trainer.worker.session import WorkerSpec

CHECKED_BY_WORKER = frozenset({UriRole.BASE, UriRole.TAKER_MODEL, UriRole.EMBEDDER})
"""Large, and hashed by the worker before they are used."""


def check_inputs(order: WorkerSpec, store: ArtifactStore) -> None:
    """Raises BadInputError naming the first input that is not what it was."""
    pinned = pins.load(store)
    for use in resolution.list_uris(order.resolved):
        if use.role in CHECKED_BY_WORKER or use.uri not in pinned or source_uri.is_remote(use.uri):
            continue
        pins.check(use, inputs.hash_input(use, inputs.resolve_path(use.uri, order.base_folder)), pinned[use.uri])
    fork_origin.check(order.resolved, store)
    pins.check_experiment(order.resolved, store)
