"""A LoRA resolver for vLLM, loaded through the entry point `vllm.general_plugins`: it finds the run's adapters by name.

A request names an adapter by its recipe's digest. If the server does not know the name, vLLM calls this resolver. It
reads the recipe and its basis from the run's store, sums them into a folder in memory
(`swarm_trainer.inference.adapter_store`), and gives vLLM the path. So a restarted or added server needs no
registration. Adapters are made in a thread, and other requests continue meanwhile.

A folder is deleted when its adapter is not live any more and vLLM does not refer to it. vLLM keeps the LoRARequest as
long as the adapter is registered or a request of it runs, and a weak reference shows that.

Errors reach the client: 404 for a name without a recipe, 400 for a recipe that this server cannot serve, 500 for the
rest.

Limits: without the variables of `plugin_environment` the plugin does nothing. vLLM calls resolvers only under
VLLM_ALLOW_RUNTIME_LORA_UPDATING. Make such a server reachable only from its own host, or only with its API key.
"""

import asyncio
import logging
import os
import weakref
from pathlib import Path
from typing import Any

from swarm_core.errors import BadInputError
from swarm_core.ports import StoreError
from swarm_core.recipe import Digest
from swarm_trainer.inference import vllm_bare_base, vllm_batched_lora
from swarm_trainer.inference.adapter_store import (
    AdapterStore,
    IncompatibleRecipeError,
    ServableAdapters,
    UnknownRecipeError,
)
from swarm_trainer.inference.plugin_environment import ADAPTER_FOLDER, BASE, BASE_FOLDER, MAX_RANK, STORE
from swarm_trainer.stores import keys, store_location

LOG = logging.getLogger("vllm.dataswarm")


def register() -> None:
    """Register the resolver. vLLM calls this in each of its processes, perhaps more than once. Raises KeyError for a
    missing variable.
    """
    if STORE not in os.environ:
        return
    from vllm.lora.resolver import LoRAResolverRegistry  # noqa: PLC0415 - this module is read without vLLM too
    from vllm.platforms import current_platform  # noqa: PLC0415

    if current_platform.is_cpu():
        vllm_bare_base.patch()
        vllm_batched_lora.patch()
    if "dataswarm" not in LoRAResolverRegistry.get_supported_resolvers():
        LoRAResolverRegistry.register_resolver("dataswarm", build_resolver(build_adapter_store()))


def build_adapter_store() -> AdapterStore:
    """The adapter store that the environment describes. Raises KeyError for a variable that is missing."""
    servable = ServableAdapters(Digest(os.environ[BASE]), int(os.environ[MAX_RANK]), Path(os.environ[BASE_FOLDER]))
    folder = Path(os.environ[ADAPTER_FOLDER])
    return AdapterStore(
        store_location.open_store(store_location.parse(os.environ[STORE]), folder / "fetched"), folder, servable
    )


def build_resolver(adapters: AdapterStore) -> Any:
    """A resolver for vLLM: it answers to names that are digests, with LoRARequests over `adapters`."""
    from vllm import exceptions  # noqa: PLC0415
    from vllm.lora.request import LoRARequest  # noqa: PLC0415
    from vllm.lora.resolver import LoRAResolver  # noqa: PLC0415

    class TrackedRequest(LoRARequest, weakref=True):  # type: ignore[call-arg]
        """A LoRARequest that allows weak references."""

    class Resolver(LoRAResolver):
        def __init__(self) -> None:
            self._requests: weakref.WeakValueDictionary[str, TrackedRequest] = weakref.WeakValueDictionary()

        async def resolve_lora(self, base_model_name: str, lora_name: str) -> TrackedRequest | None:  # noqa: ARG002 - vLLM's
            """The adapter of this name; None for another resolver's. Raises vLLM's errors for 404, 400 and 500."""
            if not keys.DIGEST_PATTERN.fullmatch(lora_name):
                return None
            with adapters.in_use(lora_name):
                path = await self._get_folder(lora_name)
                # vLLM replaces this number. It only has to be positive and to belong to the name.
                number = 1 + int(lora_name[:12], 16)
                request = TrackedRequest(lora_name=lora_name, lora_int_id=number, lora_path=str(path))
                self._requests[lora_name] = request
            await asyncio.to_thread(self._delete_unused)
            return request

        async def _get_folder(self, name: str) -> Path:
            try:
                return await asyncio.to_thread(adapters.get_folder, name)
            except UnknownRecipeError as error:
                raise exceptions.VLLMNotFoundError(str(error)) from error
            except (IncompatibleRecipeError, BadInputError, ValueError) as error:
                raise exceptions.VLLMValidationError(str(error)) from error
            except (StoreError, OSError) as error:
                LOG.exception("adapter %s could not be made", name)
                raise exceptions.VLLMServerError(f"adapter {name}: {error}") from error

        def _delete_unused(self) -> None:
            """Delete unused folders. A folder that cannot be deleted now is tried again at the next call."""
            try:
                adapters.delete_unused(self._requests)
            except (StoreError, OSError, ValueError):
                LOG.exception("old adapters could not be deleted")

    return Resolver()
