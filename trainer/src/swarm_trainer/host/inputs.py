"""Are the inputs still those the run began with? Asked when a run goes on, before any work is given out.

A run works with what `prepare` pinned, so a changed seed file would not change it; but whoever changed the file means
something by it, and going on without a word would hide that. What is elsewhere is not fetched to be looked at: a run is
of the version that it pinned, and whoever fetches that again compares its digest.
"""

from swarm_core.api import defaults
from swarm_core.api.defaults import Role
from swarm_core.ports import ArtifactStore
from swarm_trainer.sources import address
from swarm_trainer.verbs import origin, pins, places
from swarm_trainer.worker.session import Order

LATER = frozenset({Role.BASE, Role.TAKER_MODEL, Role.EMBEDDER})
"""Large, and hashed by the worker before they are used."""


def check(order: Order, store: ArtifactStore) -> None:
    """Raises BadInputError naming the first input that is not what it was."""
    pinned = pins.load(store)
    for use in defaults.uris(order.resolved):
        if use.role in LATER or use.uri not in pinned or address.remote(use.uri):
            continue
        pins.check(use, places.digest(use, places.place(use.uri, order.base_folder)), pinned[use.uri])
    origin.check(order.resolved, store)
    pins.check_experiment(order.resolved, store)
