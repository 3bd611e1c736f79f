"""Gives a search the engines of the run: one per lane, kept warm between work items, serving the search's models."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from swarm_core.ports import Inference
from swarm_core.recipe import Recipe
from swarm_trainer.evaluation import search_setup
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.run_store import experiments
from swarm_trainer.runtime import model_folders
from swarm_trainer.runtime.context import Context

if TYPE_CHECKING:
    from swarm_trainer.runtime.engines import ServedModels


def serve(context: Context, search: SearchSetup, live: Sequence[Recipe]) -> list[Inference]:
    """Return the run's engines, one per lane. Each serves `live` and the takers of `search`.

    Raises BadInputError if the engines are not available, InferenceError if they cannot serve these models.
    """
    lanes = _find_engines(context, search)
    for engine in lanes:
        engine.serve([*live, *search.fixed_takers, *search.opponents])
    return lanes


def list_models(context: Context) -> "ServedModels":
    """List the models that the engines of a run may serve: the bases, the takers that do not move, those that the
    search never asks, and every swarm's initial adapters.

    Raises StoreError before the run is prepared and its adapters are trained.
    """
    from swarm_trainer.runtime.engines import ServedModels  # noqa: PLC0415 (brings torch, which verify does without)

    starts = [
        recipe for swarm in context.resolved.swarms for recipe in search_setup.load_initial_recipes(context, swarm)
    ]
    _, experiment = experiments.load(context.store)
    dtype = context.resolved.base.dtype
    return ServedModels(
        model_folders.locate_bases(context),
        lambda digest: model_folders.unpack_adapter(context, digest),
        (*starts, *experiment.taker_recipes(dtype), *experiment.unseen_recipes(dtype)),
    )


def _find_engines(context: Context, search: SearchSetup) -> list[Inference]:
    """Return the engines of this experiment; build them at the first call."""
    from swarm_trainer.runtime import engines  # noqa: PLC0415 (brings torch, which verify does without)

    if search.manifest not in context.engines:
        context.engines[search.manifest] = engines.build(context, list_models(context))
    return context.engines[search.manifest]
