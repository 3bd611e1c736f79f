"""The inference engines of a run, as `execution.local.inference` asks for them: one per lane.

Local engines each hold a copy of the models. A vLLM server serves every lane, so there is one per base, sized for what
the run may have live at one time, and all lanes share the client. It is started here, or runs elsewhere; what it is for
(`build_server_spec`) is the same.

Auto is Local: on the small models that this host is for, a server's requests cost more than their tokens, and only the
local engine gives the same bits again.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from swarm_core.api.execution import InferenceType, S3Storage
from swarm_core.api.resolved import ResolvedSpec, TrainedAdapters
from swarm_core.errors import BadInputError
from swarm_core.ports import Inference
from swarm_core.recipe import Digest, Recipe, build_single
from swarm_trainer.inference import retrying_client, vllm_server
from swarm_trainer.inference.endpoint import Endpoint, EndpointProvider, ExternalServers, FixedEndpoint
from swarm_trainer.inference.local import LocalInference, LocalSettings
from swarm_trainer.inference.metered import MeteredInference
from swarm_trainer.inference.openai import OpenAIInference
from swarm_trainer.inference.request_router import RoutingInference
from swarm_trainer.inference.vllm_server import ServerConfig, VllmServer
from swarm_trainer.lora import base, combine
from swarm_trainer.run_store import pins
from swarm_trainer.runtime import remote_endpoints
from swarm_trainer.runtime.context import Context
from swarm_trainer.stores.local import LocalStore
from swarm_trainer.stores.store_location import StoreLocation

INFERENCE_FIELD = "spec.execution.local.inference"


@dataclass(frozen=True, slots=True)
class ServedModels:
    """What the engines are to serve."""

    bases: Mapping[Digest, Path]
    """The folder of every base."""
    adapters: Callable[[Digest], Path]
    """The folder of an adapter."""
    models: tuple[Recipe, ...]
    """The takers, and the initial generators as the search serves them."""


def check(context: Context) -> None:
    """Pass if the engines asked for can be had. Raises BadInputError."""
    resolved = context.resolved
    if resolved.execution.local.inference is not InferenceType.VLLM:
        return
    if context.elsewhere is None and not vllm_server.is_installed():
        raise BadInputError(
            f"{INFERENCE_FIELD}: VLLM, but vLLM is not installed here; install it (`make vllm`), or write Local"
        )
    for swarm in resolved.swarms:
        origin = resolved.for_swarm(swarm).generators.origin
        if isinstance(origin, TrainedAdapters):
            check_rank(f"spec.{swarm}.training.rank", origin.training.rank)


def check_adapter(resolved: ResolvedSpec, field: str, rank: int) -> None:
    """Pass if the engines asked for serve the adapter given in `field`. Raises BadInputError."""
    if resolved.execution.local.inference is InferenceType.VLLM:
        check_rank(field, rank)


def build(context: Context, stock: ServedModels) -> list[Inference]:
    """The engines, one per lane. Raises BadInputError if they cannot serve the stock."""
    own = build_own_engines(context, stock)
    if not context.resolved.access:
        return own
    others = remote_endpoints.get_client(context)
    return [RoutingInference(engine, others) for engine in own]


def build_own_engines(context: Context, stock: ServedModels) -> list[Inference]:
    """The engines of the run's own models, one per lane."""
    local = context.resolved.execution.local
    if local.inference is InferenceType.VLLM:
        return [build_vllm_client(context, stock)] * local.lanes
    settings = LocalSettings(
        device=str(local.device),
        dtype=str(context.resolved.base.dtype),
        threads=local.threads,
        max_model_len=context.resolved.base.max_model_len,
    )
    made = (LocalInference(stock.bases, stock.adapters, settings) for _ in range(local.lanes))
    return [MeteredInference(engine, context.meter) for engine in made]


def build_vllm_client(context: Context, stock: ServedModels) -> OpenAIInference:
    """A client of one vLLM server per base: those given, or ours, which start when they are first needed."""
    hosts: dict[Digest, EndpointProvider] = {}
    if context.elsewhere is not None:
        hosts |= list_external_servers(context.elsewhere, stock, pins.digests(pins.load(context.store)))
    else:
        for digest in stock.bases:
            log = context.cache / f"vllm-{digest[:12]}.log"
            hosts[digest] = VllmServer(build_server_spec(context, stock, digest), locate_store(context), log)
    return OpenAIInference(
        hosts, context.store, retrying_client.ClientSettings(context.resolved.base.max_model_len), context.meter
    )


def list_external_servers(
    elsewhere: ExternalServers, stock: ServedModels, pinned: Mapping[str, Digest]
) -> dict[Digest, EndpointProvider]:
    """The servers that run elsewhere, by the digest of the base that each serves."""
    return {
        pinned[uri]: FixedEndpoint(Endpoint(url, stock.bases[pinned[uri]], elsewhere.key))
        for uri, url in elsewhere.urls.items()
        if pinned.get(uri) in stock.bases
    }


def locate_store(context: Context) -> StoreLocation:
    """Where the run's store is, for a server to read."""
    if isinstance(context.store, LocalStore):
        return context.store.root
    assert isinstance(context.resolved.storage, S3Storage)  # there is no third kind
    return context.resolved.storage


def build_server_spec(context: Context, stock: ServedModels, digest: Digest) -> ServerConfig:
    """What the server of the base `digest` is for."""
    resolved = context.resolved
    local, dtype = resolved.execution.local, str(resolved.base.dtype)
    adapted = [model for model in stock.models if model.base == digest and model.basis]
    # Any later iteration asks about fewer, and the first about more, but in turn: what is evicted has been asked.
    candidates = resolved.max_live_candidates
    return ServerConfig(
        base=digest,
        folder=stock.bases[digest],
        name=build_single(digest, dtype=dtype).name,
        rank=find_highest_rank(stock, adapted),
        adapters_per_batch=local.lanes + len(adapted),
        live_adapters=candidates + len(adapted),
        dtype=dtype,
        max_model_len=resolved.base.max_model_len,
        cpu=base.resolve_device(str(local.device)).type == "cpu",
        threads=local.threads,
    )


def find_highest_rank(stock: ServedModels, models: Iterable[Recipe]) -> int:
    """The highest rank of the adapters in `models`; 0 when there are none. Raises BadInputError above vLLM's."""
    ranks = [
        combine.compute_signature(model, [stock.adapters(digest) for digest in model.basis]).rank for model in models
    ]
    for rank in ranks:
        check_rank("an adapter to be served", rank)
    return max(ranks, default=0)


def check_rank(what: str, rank: int) -> None:
    """Pass if vLLM serves adapters of `rank`. Raises BadInputError naming `what` has it."""
    try:
        vllm_server.round_up_rank(rank)
    except BadInputError as error:
        raise BadInputError(f"{what}: {error}, or write {INFERENCE_FIELD}: Local") from error
