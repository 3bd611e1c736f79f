"""Builds the inference engines of a run, as `execution.local.inference` requests them: one per lane.

Each local engine holds its own copy of the models. A vLLM server serves every lane. So there is one server per base,
sized for the most models that the run may use at one time, and all lanes share its client. The server is started on
this machine, or it is an external one; its settings (`build_server_spec`) are the same.

Auto means Local. On the small models that this host is for, the requests to a server cost more than the tokens, and
only the local engine repeats a result bit for bit.
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
from swarm_trainer.lora import base, base_layers, combine
from swarm_trainer.run_store import pins
from swarm_trainer.runtime import remote_endpoints, text_classifiers
from swarm_trainer.runtime.context import Context
from swarm_trainer.sources import model_selection
from swarm_trainer.stores.local import LocalStore
from swarm_trainer.stores.store_location import StoreLocation

INFERENCE_FIELD = "spec.execution.local.inference"


@dataclass(frozen=True, slots=True)
class ServedModels:
    """The models that the engines serve."""

    bases: Mapping[Digest, Path]
    """The folder of every base."""
    adapters: Callable[[Digest], Path]
    """Returns the folder of an adapter."""
    models: tuple[Recipe, ...]
    """The takers, and the initial generators as the search serves them."""


def check(context: Context) -> None:
    """Check that the requested engines are available. Raises BadInputError."""
    resolved = context.resolved
    if resolved.execution.local.inference is not InferenceType.VLLM:
        return
    if context.external_servers is None and not vllm_server.is_installed():
        raise BadInputError(
            f"{INFERENCE_FIELD}: VLLM, but vLLM is not installed here; install it (`make vllm`), or write Local"
        )
    for swarm in resolved.swarms:
        origin = resolved.for_swarm(swarm).generators.origin
        if isinstance(origin, TrainedAdapters):
            check_rank(f"spec.{swarm}.training.rank", origin.training.rank)


def check_adapter(resolved: ResolvedSpec, field: str, rank: int) -> None:
    """Check that the requested engines can serve the adapter of `field`. Raises BadInputError."""
    if resolved.execution.local.inference is InferenceType.VLLM:
        check_rank(field, rank)


def check_base(context: Context, folder: Path) -> None:
    """Check that the requested engines serve the base in `folder`, and adapters of it. Raises BadInputError."""
    if context.resolved.execution.local.inference is not InferenceType.VLLM:
        return
    other = find_other_weights(folder)
    if other is not None:
        raise BadInputError(
            f"base {folder}: vLLM would also read {other}, which is not part of the model's weights; move it out of the"
            f" folder, or write {INFERENCE_FIELD}: Local"
        )
    if base_layers.has_conv1d(folder):
        raise BadInputError(
            f"base {folder}: vLLM serves no adapters of its Conv1D layers; write {INFERENCE_FIELD}: Local, or give"
            " another base"
        )


def find_other_weights(folder: Path) -> str | None:
    """Return a file of weights beside those of the model; None if there is none. vLLM reads all that it finds."""
    names = {path.name for path in folder.iterdir() if path.is_file()}
    chosen = model_selection.select_model(names, lambda name: (folder / name).read_bytes())
    others = (name for name in names.difference(chosen) if name.endswith((".safetensors", ".safetensors.index.json")))
    return min(others, default=None)


def build(context: Context, served: ServedModels) -> list[Inference]:
    """Build the engines, one per lane. Raises BadInputError if they cannot serve these models."""
    own = build_own_engines(context, served)
    if context.resolved.access:
        remote = remote_endpoints.get_client(context)
        own = [RoutingInference(engine, remote) for engine in own]
    return [text_classifiers.attach(context, engine) for engine in own]


def build_own_engines(context: Context, served: ServedModels) -> list[Inference]:
    """Build the engines of the run's own models, one per lane. Raises BadInputError."""
    local = context.resolved.execution.local
    if local.inference is InferenceType.VLLM:
        return [build_vllm_client(context, served)] * local.lanes
    settings = LocalSettings(
        device=str(local.device),
        dtype=str(context.resolved.base.dtype),
        threads=local.threads,
        max_model_len=context.resolved.base.max_model_len,
    )
    engines = (LocalInference(served.bases, served.adapters, settings) for _ in range(local.lanes))
    return [MeteredInference(engine, context.meter) for engine in engines]


def build_vllm_client(context: Context, served: ServedModels) -> OpenAIInference:
    """Build a client of one vLLM server per base. A server of our own starts when it is first needed."""
    hosts: dict[Digest, EndpointProvider] = {}
    if context.external_servers is not None:
        hosts |= list_external_servers(context.external_servers, served, pins.digests(pins.load(context.store)))
    else:
        for digest in served.bases:
            log = context.cache / f"vllm-{digest[:12]}.log"
            hosts[digest] = VllmServer(build_server_spec(context, served, digest), locate_store(context), log)
    return OpenAIInference(
        hosts, context.store, retrying_client.ClientSettings(context.resolved.base.max_model_len), context.meter
    )


def list_external_servers(
    external_servers: ExternalServers, served: ServedModels, pinned: Mapping[str, Digest]
) -> dict[Digest, EndpointProvider]:
    """List the external servers, by the digest of the base that each one serves."""
    return {
        pinned[uri]: FixedEndpoint(Endpoint(url, served.bases[pinned[uri]], external_servers.key))
        for uri, url in external_servers.urls.items()
        if pinned.get(uri) in served.bases
    }


def locate_store(context: Context) -> StoreLocation:
    """Return the location of the run's store, for a server to read."""
    if isinstance(context.store, LocalStore):
        return context.store.root
    assert isinstance(context.resolved.storage, S3Storage)  # there is no third kind of store
    return context.resolved.storage


def build_server_spec(context: Context, served: ServedModels, digest: Digest) -> ServerConfig:
    """Build the settings of the server of the base `digest`.

    Raises BadInputError if vLLM does not serve the rank of an adapter.
    """
    resolved = context.resolved
    local, dtype = resolved.execution.local, str(resolved.base.dtype)
    with_adapters = [model for model in served.models if model.base == digest and model.basis]
    # A later iteration needs fewer models. The first needs more, but in turn: an evicted model has already answered.
    candidates = resolved.max_live_candidates
    return ServerConfig(
        base=digest,
        folder=served.bases[digest],
        name=build_single(digest, dtype=dtype).name,
        rank=find_highest_rank(served, with_adapters),
        adapters_per_batch=local.lanes + len(with_adapters),
        live_adapters=candidates + len(with_adapters),
        dtype=dtype,
        max_model_len=resolved.base.max_model_len,
        cpu=base.resolve_device(str(local.device)).type == "cpu",
        threads=local.threads,
    )


def find_highest_rank(served: ServedModels, models: Iterable[Recipe]) -> int:
    """Return the highest rank of the adapters in `models`, or 0 if there are none.

    Raises BadInputError if it is above vLLM's limit.
    """
    ranks = [
        combine.compute_signature(model, [served.adapters(digest) for digest in model.basis]).rank for model in models
    ]
    for rank in ranks:
        check_rank("an adapter to be served", rank)
    return max(ranks, default=0)


def check_rank(what: str, rank: int) -> None:
    """Check that vLLM serves adapters of `rank`; `what` has it. Raises BadInputError naming `what`."""
    try:
        vllm_server.round_up_rank(rank)
    except BadInputError as error:
        raise BadInputError(f"{what}: {error}, or write {INFERENCE_FIELD}: Local") from error
