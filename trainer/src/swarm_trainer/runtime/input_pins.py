"""Pins an input of a spec by the digest of its content. An adapter is checked and copied into the store."""

from swarm_core.api.resolution import UriRole, UriUse
from swarm_core.errors import BadInputError
from swarm_trainer.lora import adapter
from swarm_trainer.runtime import inputs
from swarm_trainer.runtime.context import Context
from swarm_trainer.sources.fetching import Pin


def pin_input(use: UriUse, context: Context) -> Pin:
    """Pin the content of a URI, fetched if it is remote; an adapter is also copied into the store.

    Raises BadInputError, StoreError.
    """
    pin = inputs.pin(use, context)
    if use.role in (UriRole.TAKER_ADAPTER, UriRole.GENERATOR_ADAPTER):
        folder = inputs.locate(use, context)
        adapter.load(folder)  # reads every tensor: a value that is not finite would spoil every sum that contains it
        if inputs.store_input(use, folder, context.store) != pin.digest:
            raise BadInputError(
                f"{use.field}: {use.uri!r} changed while it was read; run again when nothing writes to it"
            )
    return pin
