"""Locates the models of a run on this machine: base models by their URIs, and adapters unpacked from the store.

Every worker process hashes a base model again before it uses it. So a base that changed during a run is found, and is
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

BASE_FIELD = "spec.base.model"
"""The field of the generators' base model."""


def unpack_adapter(context: Context, digest: Digest) -> Path:
    """Unpack a stored adapter into the worker's cache; return its folder. Raises StoreError, CorruptError."""
    return tree.get_tree(context.store, digest, context.cache)


def locate_base(context: Context) -> Path:
    """Return the folder of the base model, fetched if it is remote.

    Raises BadInputError naming the field, StoreError.
    """
    return inputs.locate(find_base_use(context.resolved), context)


def find_base_use(resolved: ResolvedSpec) -> UriUse:
    """Find the use of the base model's URI in the spec."""
    return next(use for use in resolution.list_uris(resolved) if use.role is UriRole.BASE)


def list_base_folders(context: Context) -> dict[str, Path]:
    """Return the folder of every base by the first field of the spec that names it.

    Raises BadInputError naming the field, StoreError.
    """
    fields: dict[str, Path] = {}
    for use in resolution.list_uris(context.resolved):
        if use.role in (UriRole.BASE, UriRole.TAKER_MODEL):
            folder = inputs.locate(use, context)
            if folder not in fields.values():
                fields[use.field] = folder
    return fields


def locate_bases(context: Context) -> dict[Digest, Path]:
    """Return the folder of every base by its digest, hashed in this process.

    Raises BadInputError if one has changed.
    """
    pinned = pins.load(context.store)
    folders: dict[Digest, Path] = {}
    for use in resolution.list_uris(context.resolved):
        if use.role in (UriRole.BASE, UriRole.TAKER_MODEL):
            path = inputs.locate(use, context)
            digest = inputs.pin(use, context).digest
            pins.check(use, digest, pinned[use.uri])
            folders[digest] = path
    return folders
