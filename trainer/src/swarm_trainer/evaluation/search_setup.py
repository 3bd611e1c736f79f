"""From a prepared experiment to what iterate and conclude work with.

Everything is read from the store by digest and from the spec; a model folder is hashed again in every worker process
before it is used, so a base that changed under a run is found and not served.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from swarm_core import recipe, streams
from swarm_core.api import resolution
from swarm_core.api.judging import Verifier
from swarm_core.api.resolution import ResolvedSpec, UriRole, UriUse
from swarm_core.api.resolved import ResolvedJudge
from swarm_core.engine import search_settings
from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.work import Kind, WorkItem
from swarm_core.experiment import Experiment, SeedData
from swarm_core.judges import registry as judges
from swarm_core.judges.rubric import RubricJudge
from swarm_core.objectives import bootstrap
from swarm_core.objectives import registry as objectives
from swarm_core.objectives.accuracy import Accuracy
from swarm_core.objectives.objective import Measurement
from swarm_core.optimizers import positions
from swarm_core.optimizers.optimizer import Plan
from swarm_core.ports import ArtifactStore, Inference, Judge, StoreError
from swarm_core.recipe import Digest, Merge, Recipe, TensorGroup
from swarm_core.rollout import Rollout, Unmeasured, build_batch, measure
from swarm_core.swarm_names import GENERATORS, TAKERS
from swarm_trainer.evaluation.examine import Examination, Sampling
from swarm_trainer.lora import adapter, combine
from swarm_trainer.report.search_result import Interval
from swarm_trainer.run_store import pins, receipt_store
from swarm_trainer.runtime import engines, inputs, layers
from swarm_trainer.runtime.context import Context
from swarm_trainer.runtime.engines import ServedModels
from swarm_trainer.runtime.layers import Layers
from swarm_trainer.stores import tree


@dataclass(frozen=True, slots=True)
class SearchSetup:
    """A search, ready to go on."""

    resolved: ResolvedSpec
    manifest: Digest
    """The digest of the experiment's manifest: the root of the chain."""
    experiment: Experiment
    basis: tuple[Digest, ...]
    exam: Examination
    plan: Plan
    objective: bootstrap.ResampledObjective
    layers: Layers | None = None
    """Those with coefficients of their own; None gives all tensors the same."""
    game_takers: tuple[Recipe, ...] = ()
    """What is served beside the candidates and the fixed takers: the takers of a game, when generators are measured."""

    @property
    def title(self) -> str:
        return f"{self.resolved.domain}: {str(self.resolved.objective).lower()}"

    @property
    def objective_name(self) -> str:
        return str(self.resolved.objective)

    @property
    def coverage(self) -> float:
        return self.resolved.evaluation.coverage

    @property
    def items(self) -> int:
        return self.resolved.evaluation.items

    @property
    def finalists(self) -> int:
        return self.resolved.evaluation.finalists

    @property
    def choice_items(self) -> int:
        return search_settings.items_per_finalist(self.resolved)

    @property
    def final_items(self) -> int:
        return self.resolved.evaluation.final.items

    @property
    def final_seeds(self) -> int:
        return self.resolved.evaluation.final.seeds

    @property
    def taker_recipes(self) -> tuple[Recipe, ...]:
        return self.experiment.taker_recipes(self.resolved.base.dtype)

    def recipe(self, position: Sequence[float]) -> Recipe:
        """The model at a position of the swarm."""
        block, exact = tuple(position), self.resolved.swarm.exact
        return Recipe(
            base=self.experiment.base,
            basis=self.basis,
            groups=(TensorGroup(block),) if self.layers is None else self.layers.groups(block),
            dtype=self.resolved.base.dtype,
            merge=Merge.ELEMENTWISE if exact is None else Merge.EXACT,
            max_rank=None if exact is None else exact.max_rank,
        )

    def measured(self, rollout: Rollout, iteration: int, probe: str) -> Measurement | Unmeasured:
        """The objective of a probe's rollout, as iterations take it and as replaying them takes it again."""
        seed = streams.seed(self.exam.seed, "bootstrap", iteration, probe)
        return measure([rollout], self.objective, self.coverage, seed)

    def difference(self, first: Sequence[Rollout], second: Sequence[Rollout]) -> Interval:
        """Objective of `first` minus that of `second`, pooled over their seeds."""
        seed = streams.seed(self.exam.seed, "bootstrap", "gain")
        pair = build_batch(first, self.coverage), build_batch(second, self.coverage)
        found = bootstrap.measure_difference(*pair, self.objective, self.coverage, seed)
        return Interval(found.value, found.low, found.high)

    def engines(self, context: Context) -> list[Inference]:
        """The inference engines of this run, one per lane, kept warm in the worker."""
        if self.manifest not in context.engines:
            context.engines[self.manifest] = engines.build(context, self.served_models(context))
        return context.engines[self.manifest]

    def served_models(self, context: Context) -> ServedModels:
        """What the engines are to serve: of a game, both sides as they start."""
        starts = [
            one
            for swarm in search_settings.moving_swarms(context.resolved)
            for one in load_search(context, swarm).initial_recipes
        ]
        return ServedModels(
            locate_base_models(context), lambda digest: unpack_adapter(context, digest), (*starts, *self.taker_recipes)
        )

    @property
    def initial_recipes(self) -> tuple[Recipe, ...]:
        """The initial adapters, as the search serves them."""
        return tuple(map(self.recipe, positions.vertices(self.plan.basis, self.plan.groups)))

    def serving(self, context: Context, live: Sequence[Recipe]) -> list[Inference]:
        """The engines, each serving `live` and the takers."""
        lanes = self.engines(context)
        for engine in lanes:
            engine.serve([*live, *self.taker_recipes, *self.game_takers])
        return lanes

    def export(self, context: Context, position: Sequence[float], out: Path) -> None:
        """Write the adapter at a position as an ordinary PEFT folder."""
        combine.write(self.recipe(position), [unpack_adapter(context, digest) for digest in self.basis], out)


def load_search(context: Context, swarm: str = GENERATORS, later: int = 0) -> SearchSetup:
    """The setup of one swarm, once prepare and every seed are done; `later`: the adapters trained for it since."""
    if (swarm, later) not in context.setups:
        context.setups[swarm, later] = build_search(context, swarm, later)
    return context.setups[swarm, later]


def build_search(context: Context, swarm: str, later: int) -> SearchSetup:
    manifest, experiment = load_experiment(context.store)
    given = experiment.for_swarm(swarm).adapters
    trained = later if given else search_settings.for_swarm(context.resolved, swarm).generators.count + later
    basis = (*given, *(find_trained_adapter(context.store, swarm, index) for index in range(trained)))
    return build_search_over_basis(context, manifest, experiment, basis, swarm)


def build_search_over_basis(
    context: Context, manifest: Digest, pinned: Experiment, basis: tuple[Digest, ...], swarm: str = GENERATORS
) -> SearchSetup:
    """The setup of one swarm's search over `basis`, whose adapters are in the store."""
    resolved, experiment = search_settings.for_swarm(context.resolved, swarm), pinned.for_swarm(swarm)
    asked = build_examination(resolved, experiment, load_seed_data(context.store, experiment))
    apart = find_adapted_layers(context, basis[0]) if resolved.swarm.per_layer else None
    return SearchSetup(
        resolved=resolved,
        manifest=manifest,
        experiment=experiment,
        basis=basis,
        exam=replace(asked, held_out=load_held_out(context, pinned)),
        plan=search_settings.build_plan(resolved, len(apart.prefixes) if apart else 1),
        objective=Accuracy() if swarm == TAKERS else objectives.get(str(resolved.objective)),
        layers=apart,
    )


def load_experiment(store: ArtifactStore) -> tuple[Digest, Experiment]:
    """The experiment as prepared, and its manifest's digest."""
    receipt = receipt_store.load(store, WorkItem(Kind.PREPARE).key)
    if receipt is None:
        raise StoreError("the experiment is not prepared: its receipt is missing from the store; run prepare first")
    digest = receipt.outputs[Output.EXPERIMENT]
    return digest, Experiment.from_bytes(store.get(digest).read_bytes())


def load_seed_data(store: ArtifactStore, experiment: Experiment) -> SeedData:
    return SeedData.from_bytes(store.get(experiment.data).read_bytes())


def load_held_out(context: Context, experiment: Experiment) -> frozenset[str]:
    """What no generator may write and no taker be trained on: the items that either side holds out."""
    sides = map(experiment.for_swarm, search_settings.moving_swarms(context.resolved))
    return frozenset(item for side in sides for item in load_seed_data(context.store, side).held_out)


def find_trained_adapter(store: ArtifactStore, swarm: str, index: int) -> Digest:
    """The adapter of one seed cluster, or one trained later."""
    key = WorkItem(Kind.TRAIN, swarm, index).key
    receipt = receipt_store.load(store, key)
    if receipt is None:
        raise StoreError(
            f"adapter {index} of the {swarm} is not trained: the receipt of {key} is missing from the store"
        )
    return receipt.outputs[Output.ADAPTER]


def build_examination(resolved: ResolvedSpec, experiment: Experiment, data: SeedData) -> Examination:
    """What every candidate of the run is asked."""
    return Examination(
        seed=resolved.seed,
        style=resolved.base.template,
        domain=resolved.domain,
        pool=data.pool,
        held_out=frozenset(data.held_out),
        shots=resolved.generation.shots,
        rounds=resolved.generation.rounds,
        generation=Sampling(resolved.generation.max_tokens, resolved.generation.temperature),
        answering=Sampling(resolved.answering.max_tokens, resolved.answering.temperature),
        takers=experiment.taker_models(resolved.base.dtype),
        judge=build_judge(resolved.judge),
        remote=frozenset(recipe.remote_model_name(way.remote.url, way.remote.model) for way in resolved.access),
    )


def build_judge(chosen: Verifier | ResolvedJudge) -> Judge | RubricJudge:
    """The judge of a spec: a program, or a model with its rubric."""
    if isinstance(chosen, Verifier):
        return judges.get(str(chosen.name))
    return RubricJudge(
        model=recipe.remote_model_name(chosen.endpoint.url, chosen.endpoint.model),
        text=chosen.rubric,
        low=chosen.scale.low,
        high=chosen.scale.high,
        max_tokens=chosen.max_tokens,
        vet=chosen.vet,
    )


def find_adapted_layers(context: Context, adapted: Digest) -> Layers:
    """The layers that an adapter adapts: those of the whole basis, for only adapters alike are summed."""
    return layers.find(adapter.read_signature(unpack_adapter(context, adapted)))


def unpack_adapter(context: Context, digest: Digest) -> Path:
    """The folder of a stored adapter, in the worker's cache."""
    return tree.get_tree(context.store, digest, context.cache)


def locate_base_model(context: Context) -> Path:
    """The folder of the base model."""
    return inputs.locate(find_base_use(context.resolved), context)


def find_base_use(resolved: ResolvedSpec) -> UriUse:
    """The base model's place in the spec."""
    return next(use for use in resolution.list_uris(resolved) if use.role is UriRole.BASE)


def locate_base_models(context: Context) -> dict[Digest, Path]:
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
