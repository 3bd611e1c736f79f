"""Where this machine has the models of a run: base models as their URIs say, adapters unpacked from the store.

A base model is hashed again in every worker process before it is used, so one that changed under a run is found and is
not served.
"""

from pathlib import Path

from swarm_core.api import resolution
from swarm_core.api.resolution import ResolvedSpec, UriRole, UriUse
from swarm_core.recipe import Digest
from swarm_trainer.run_store import pins
from swarm_trainer.runtime import inputs
from swarm_trainer.runtime.context import Context
from swarm_trainer.stores import tree


def unpack_adapter(context: Context, digest: Digest) -> Path:
    """The folder of a stored adapter, in the worker's cache. Raises StoreError, CorruptError."""
    return tree.get_tree(context.store, digest, context.cache)


def locate_base(context: Context) -> Path:
    """The folder of the base model, fetched if it is remote. Raises BadInputError naming the field, StoreError."""
    return inputs.locate(find_base_use(context.resolved), context)


def find_base_use(resolved: ResolvedSpec) -> UriUse:
    """The use of the base model's URI in the spec."""
    return next(use for use in resolution.list_uris(resolved) if use.role is UriRole.BASE)


def locate_bases(context: Context) -> dict[Digest, Path]:
    """The folder of every base by its digest, hashed in this process. Raises BadInputError if one changed."""
    pinned = pins.load(context.store)
    found: dict[Digest, Path] = {}
    for use in resolution.list_uris(context.resolved):
        if use.role in (UriRole.BASE, UriRole.TAKER_MODEL):
            path = inputs.locate(use, context)
            digest = inputs.pin(use, context).digest
            pins.check(use, digest, pinned[use.uri])
            found[digest] = path
    return found
