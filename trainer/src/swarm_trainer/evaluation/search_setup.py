"""Loads one swarm's search: its plan, the models that it can reach, and the evaluator that measures them.

Everything comes from the spec and, by digest, from the store. So every process that loads a search loads the same one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from swarm_core.api import parts
from swarm_core.api.resolution import ResolvedSpec
from swarm_core.commit import Commit
from swarm_core.composition import Composition, Single
from swarm_core.experiment import Experiment, SeedData
from swarm_core.item_index import ItemIndex
from swarm_core.items import Item, get_texts
from swarm_core.objectives import personalization
from swarm_core.objectives.accuracy import Accuracy
from swarm_core.objectives.composed import unite_needs
from swarm_core.objectives.objective import Objective
from swarm_core.optimizers import positions
from swarm_core.optimizers.optimizer import Plan
from swarm_core.optimizers.positions import Position
from swarm_core.ports import ArtifactStore
from swarm_core.programs import search_settings
from swarm_core.recipe import Digest, Recipe
from swarm_core.swarm_names import GENERATORS, TAKERS
from swarm_trainer.evaluation import evaluator, gate_data, run_parts
from swarm_trainer.evaluation.corpus_similarity import CorpusSimilarity
from swarm_trainer.evaluation.evaluator import Evaluator
from swarm_trainer.evaluation.examine import Examination, ItemFeature
from swarm_trainer.run_store import experiments, pins
from swarm_trainer.runtime import search_space
from swarm_trainer.runtime.context import Context
from swarm_trainer.runtime.search_space import SearchSpace


@dataclass(frozen=True, slots=True)
class SearchSetup:
    """A loaded search."""

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
    """The models served in addition to the candidates and the fixed takers: in a game, the takers that generators face.
    """

    reference: Digest | None = None
    """The digest of the takers' answers to the reference set; None if there is none, or if they have not answered it
    yet."""

    @property
    def title(self) -> str:
        """The subject of the search, in a few words."""
        return f"{self.resolved.domain}: {str(self.resolved.objective).lower()}"

    @property
    def examination(self) -> Examination:
        """The examination of every candidate."""
        return self.evaluator.examination

    @property
    def fixed_takers(self) -> tuple[Recipe, ...]:
        """The takers that the run itself serves and that never move."""
        return self.experiment.taker_recipes(self.resolved.base.dtype)

    @property
    def initial_recipes(self) -> tuple[Recipe, ...]:
        """The initial adapters, as the search serves them."""
        return list_initial_recipes(self.plan, self.space)

    def with_basis(self, basis: tuple[Digest, ...]) -> "SearchSetup":
        """Return the same search over another basis: the basis of an earlier commit."""
        return replace(self, space=replace(self.space, basis=basis))

    def facing(self, opponents: Sequence[tuple[str, Recipe]]) -> "SearchSetup":
        """Return the same search against these takers, given by name and recipe."""
        named = [(name, recipe.name) for name, recipe in opponents]
        recipes = tuple(recipe for _, recipe in opponents)
        return replace(self, evaluator=self.evaluator.with_takers(named), opponents=recipes)


def load(context: Context, swarm: str = GENERATORS, later: int = 0) -> SearchSetup:
    """Load the search of one swarm. Raises StoreError before `prepare` and every training are done, BadInputError.

    `later` is the number of adapters trained for the swarm after its first ones. Each search is loaded once per
    process: it depends only on receipts, which never change.
    """
    return context.memo.get(("search", swarm, later), lambda: _load(context, swarm, later))


def _load(context: Context, swarm: str, later: int) -> SearchSetup:
    manifest, experiment = experiments.load(context.store)
    return build_search(context, manifest, experiment, find_basis(context, experiment, swarm, later), swarm)


def load_initial_recipes(context: Context, swarm: str) -> tuple[Recipe, ...]:
    """Load the adapters that a swarm starts from, as its search serves them. Raises StoreError before they are trained.

    Builds no objective, judge or gate, so a server needs none of the run's plug-ins.
    """
    _, experiment = experiments.load(context.store)
    return list_initial_recipes(*build_space(context, experiment, find_basis(context, experiment, swarm, 0), swarm))


def list_initial_recipes(plan: Plan, space: SearchSpace) -> tuple[Recipe, ...]:
    """List the adapters of a basis, each one alone, as the search serves them."""
    return tuple(map(space.recipe, positions.vertices(plan.basis, plan.groups)))


def find_basis(context: Context, experiment: Experiment, swarm: str, later: int) -> tuple[Digest, ...]:
    """Find the adapters of one swarm: those given or trained at first, and `later` more. Raises StoreError."""
    given = experiment.for_swarm(swarm).adapters
    trained = later if given else context.resolved.for_swarm(swarm).generators.count + later
    return (*given, *(experiments.find_adapter(context.store, swarm, index) for index in range(trained)))


def build_space(
    context: Context, pinned: Experiment, basis: tuple[Digest, ...], swarm: str
) -> tuple[Plan, SearchSpace]:
    """Build the plan of one swarm's search over `basis`, and the space of the models that it can reach.

    Raises StoreError.
    """
    resolved, experiment = context.resolved.for_swarm(swarm), pinned.for_swarm(swarm)
    layers = search_space.find_layers(context, basis[0]) if resolved.swarm.per_layer else None
    plan = search_settings.build_plan(resolved, len(layers.prefixes) if layers else 1)
    return plan, SearchSpace(experiment.base, basis, resolved.base.dtype, resolved.swarm.exact, layers)


def build_search(
    context: Context, manifest: Digest, pinned: Experiment, basis: tuple[Digest, ...], swarm: str = GENERATORS
) -> SearchSetup:
    """Build the search of one swarm over `basis`, whose adapters are in the store.

    Raises BadInputError if the parts of this process are not those that the run was prepared with, StoreError.
    """
    pins.check_parts(context.resolved, context.store)
    resolved, experiment = context.resolved.for_swarm(swarm), pinned.for_swarm(swarm)
    data = experiments.load_seed_data(context.store, experiment)
    examination = evaluator.build_examination(resolved, experiment, data)
    plan, space = build_space(context, pinned, basis, swarm)
    objectives, fitness = choose_objectives(resolved, swarm)
    corpus = load_pinned_items(context.store, pinned.corpus)
    examination = replace(
        examination,
        corpus=ItemIndex(corpus, examination.judge),
        held_out=ItemIndex(list_held_out(context, pinned), examination.judge),
        gates=gate_data.load_gates(context, pinned, examination.judge),
        features=build_features(context, corpus),
        repeats=unite_needs([one.needs for one in objectives.values()]).repeats,
    )
    evaluator_of_swarm = Evaluator(examination, tuple(objectives.items()), fitness, resolved.evaluation.coverage)
    return SearchSetup(resolved, manifest, experiment, plan, space, evaluator_of_swarm)


def load_pinned_items(store: ArtifactStore, digest: Digest | None) -> tuple[Item, ...]:
    """Load the items that are stored under a digest, such as those of a corpus; none without one. Raises StoreError."""
    return () if digest is None else SeedData.from_bytes(store.get(digest).read_bytes()).example_items


def build_features(context: Context, corpus: Sequence[Item]) -> dict[str, ItemFeature]:
    """Build what is measured of items beside their answers, by name."""
    settings = context.resolved.corpus
    if settings is None:
        return {}
    return {personalization.FEATURE: CorpusSimilarity(get_texts(corpus), settings)}


def choose_objectives(resolved: ResolvedSpec, swarm: str) -> tuple[dict[str, Objective], Composition]:
    """Return a swarm's objectives by the names of their values, and the rule that makes a fitness of them.

    Takers that move maximize their accuracy.
    """
    if swarm == TAKERS:
        return {parts.TAKERS_OBJECTIVE: Accuracy()}, Single(parts.TAKERS_OBJECTIVE)
    objectives = run_parts.build_objectives(resolved)
    return objectives, run_parts.build_composition(resolved, objectives)


def find_recipe(context: Context, done: Commit, position: Position) -> Recipe:
    """Return the model at a position of a swarm, over the basis that the swarm had at commit `done`."""
    return load(context, done.swarm_name).with_basis(done.basis).space.recipe(position)


def list_held_out(context: Context, experiment: Experiment) -> Iterator[Item]:
    """List the items that no generator may write: those that either side holds out, and the reference set."""
    for side in map(experiment.for_swarm, context.resolved.swarms):
        yield from experiments.load_seed_data(context.store, side).held_out
    yield from load_pinned_items(context.store, experiment.reference)
