"""One swarm's search, loaded: its plan, the models it can reach, and how they are measured.

Everything is read from the store by digest and from the spec, so each process that loads a search loads the same one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from swarm_core.api.resolution import ResolvedSpec
from swarm_core.engine import search_settings
from swarm_core.experiment import Experiment
from swarm_core.objectives.accuracy import Accuracy
from swarm_core.optimizers import positions
from swarm_core.optimizers.optimizer import Plan
from swarm_core.recipe import Digest, Recipe
from swarm_core.swarm_names import GENERATORS, TAKERS
from swarm_trainer.evaluation import evaluator, run_parts
from swarm_trainer.evaluation.evaluator import Evaluator
from swarm_trainer.evaluation.examine import Examination
from swarm_trainer.run_store import experiments, pins
from swarm_trainer.runtime import search_space
from swarm_trainer.runtime.context import Context
from swarm_trainer.runtime.search_space import SearchSpace


@dataclass(frozen=True, slots=True)
class SearchSetup:
    """A search, ready to go on."""

    resolved: ResolvedSpec
    """The spec as this swarm sees it."""
    manifest: Digest
    """The digest of the experiment's manifest: the root of the chain of commits."""
    experiment: Experiment
    """The experiment as this swarm sees it."""
    plan: Plan
    space: SearchSpace
    evaluator: Evaluator
    opponents: tuple[Recipe, ...] = ()
    """What is served beside the candidates and the fixed takers: in a game, the takers that generators face."""

    @property
    def title(self) -> str:
        """What the search is about, in a few words."""
        return f"{self.resolved.domain}: {str(self.resolved.objective).lower()}"

    @property
    def examination(self) -> Examination:
        """What every candidate is asked."""
        return self.evaluator.examination

    @property
    def fixed_takers(self) -> tuple[Recipe, ...]:
        """The takers that the run itself serves and that never move."""
        return self.experiment.taker_recipes(self.resolved.base.dtype)

    @property
    def initial_recipes(self) -> tuple[Recipe, ...]:
        """The initial adapters, as the search serves them."""
        return tuple(map(self.space.recipe, positions.vertices(self.plan.basis, self.plan.groups)))

    def with_basis(self, basis: tuple[Digest, ...]) -> "SearchSetup":
        """The same search over another basis: the one that an earlier commit had."""
        return replace(self, space=replace(self.space, basis=basis))

    def facing(self, opponents: Sequence[tuple[str, Recipe]]) -> "SearchSetup":
        """The same search against these takers, by name."""
        named = [(name, recipe.name) for name, recipe in opponents]
        recipes = tuple(recipe for _, recipe in opponents)
        return replace(self, evaluator=self.evaluator.with_takers(named), opponents=recipes)


def load(context: Context, swarm: str = GENERATORS, later: int = 0) -> SearchSetup:
    """The search of one swarm, once `prepare` and every training is done. Raises StoreError before that.

    `later` is the number of adapters that were trained for it since. Loaded once per process: all of it rests on
    receipts, which never change.
    """
    return context.memo.get(("search", swarm, later), lambda: _load(context, swarm, later))


def _load(context: Context, swarm: str, later: int) -> SearchSetup:
    manifest, experiment = experiments.load(context.store)
    given = experiment.for_swarm(swarm).adapters
    trained = later if given else search_settings.for_swarm(context.resolved, swarm).generators.count + later
    basis = (*given, *(experiments.find_adapter(context.store, swarm, index) for index in range(trained)))
    return build(context, manifest, experiment, basis, swarm)


def build(
    context: Context, manifest: Digest, pinned: Experiment, basis: tuple[Digest, ...], swarm: str = GENERATORS
) -> SearchSetup:
    """The search of one swarm over `basis`, whose adapters are in the store. Raises BadInputError for other parts."""
    pins.check_parts(context.resolved, context.store)
    resolved, experiment = search_settings.for_swarm(context.resolved, swarm), pinned.for_swarm(swarm)
    data = experiments.load_seed_data(context.store, experiment)
    examination = evaluator.build_examination(resolved, experiment, data)
    layers = search_space.find_layers(context, basis[0]) if resolved.swarm.per_layer else None
    return SearchSetup(
        resolved=resolved,
        manifest=manifest,
        experiment=experiment,
        plan=search_settings.build_plan(resolved, len(layers.prefixes) if layers else 1),
        space=SearchSpace(experiment.base, basis, resolved.base.dtype, resolved.swarm.exact, layers),
        evaluator=Evaluator(
            examination=replace(examination, held_out=load_held_out(context, pinned)),
            objective=Accuracy() if swarm == TAKERS else run_parts.build_objective(resolved),
            coverage=resolved.evaluation.coverage,
        ),
    )


def load_held_out(context: Context, experiment: Experiment) -> frozenset[str]:
    """What no generator may write and no taker be trained on: the items that either side holds out."""
    sides = map(experiment.for_swarm, search_settings.moving_swarms(context.resolved))
    return frozenset(item for side in sides for item in experiments.load_seed_data(context.store, side).held_out)
