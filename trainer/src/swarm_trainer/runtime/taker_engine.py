"""An engine for the takers of a spec alone, without generators: their models are pinned, checked and served.

Limits: it has one lane. Models are pinned in the store of the context, so it must be a store of their own.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from swarm_core.api import resolution
from swarm_core.api.resolution import UriRole, UriUse
from swarm_core.api.resolved import ResolvedSpec, ResolvedTaker
from swarm_core.experiment import Experiment
from swarm_core.ports import Inference
from swarm_core.recipe import Digest
from swarm_trainer.inference.request_router import RemoteInference
from swarm_trainer.run_store import pins
from swarm_trainer.runtime import input_pins, inputs, model_folders, remote_endpoints, text_classifiers
from swarm_trainer.runtime.context import Context

MODELS = (UriRole.BASE, UriRole.TAKER_MODEL)


def pin_takers(context: Context) -> Experiment:
    """Pin the takers of the spec; return an experiment that has them and nothing else.

    Raises BadInputError if a model or an adapter cannot be used, or if an endpoint does not answer; StoreError.
    """
    pinned = {use.uri: input_pins.pin_input(use, context) for use in list_uses(context.resolved)}
    pins.publish(context.store, pinned)
    remote_endpoints.check(context)
    contents = pins.digests(pinned)
    takers = tuple(remote_endpoints.pin_taker(taker, contents) for taker in context.resolved.takers)
    return Experiment(digest=Digest(""), base=Digest(""), takers=takers, data=Digest(""))


def list_uses(resolved: ResolvedSpec) -> list[UriUse]:
    """List the uses of the models and adapters that the takers need, and of the classifiers of the parts."""
    served = [taker for taker in resolved.takers if isinstance(taker, ResolvedTaker)]
    models, adapters = {taker.model for taker in served}, {taker.adapter for taker in served}
    return [
        use
        for use in resolution.list_uris(resolved)
        if (use.role in MODELS and use.uri in models)
        or (use.role is UriRole.TAKER_ADAPTER and use.uri in adapters)
        or use.role is UriRole.CLASSIFIER
    ]


def build(context: Context, experiment: Experiment) -> Inference:
    """Build the engine that serves the takers and asks the endpoints.

    Raises BadInputError, InferenceError if the models cannot be served.
    """
    recipes = experiment.taker_recipes(context.resolved.base.dtype)
    if not recipes:
        return text_classifiers.attach(context, RemoteInference(remote_endpoints.get_client(context)))
    from swarm_trainer.runtime import engines  # noqa: PLC0415 (brings torch)

    models = engines.ServedModels(
        locate_models(context), lambda digest: model_folders.unpack_adapter(context, digest), recipes
    )
    engine = engines.build(context, models)[0]
    engine.serve(recipes)
    return engine


def locate_models(context: Context) -> Mapping[Digest, Path]:
    """Return the folder of every model of a taker by its digest."""
    pinned = pins.digests(pins.load(context.store))
    uses: Sequence[UriUse] = [use for use in list_uses(context.resolved) if use.role in MODELS]
    return {pinned[use.uri]: inputs.locate(use, context) for use in uses}
