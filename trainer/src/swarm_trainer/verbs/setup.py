"""From a prepared experiment to what iterate and conclude work with.

Everything is read from the store by digest and from the spec; a model folder is hashed again in every worker process
before it is used, so a base that changed under a run is found and not served.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from swarm_core import recipe
from swarm_core.api import defaults
from swarm_core.api.defaults import ResolvedSpec, Role, Use
from swarm_core.api.judging import Verifier
from swarm_core.api.resolved import ResolvedJudge
from swarm_core.engine import search
from swarm_core.engine.receipts import Output
from swarm_core.engine.work import Kind, WorkItem
from swarm_core.experiment import Experiment, SeedData
from swarm_core.judges import registry as judges
from swarm_core.judges.rubric import Rubric
from swarm_core.objectives import bootstrap
from swarm_core.objectives import registry as objectives
from swarm_core.objectives.accuracy import Accuracy
from swarm_core.objectives.objective import Measurement
from swarm_core.ports import ArtifactStore, Inference, Judge, StoreError
from swarm_core.recipe import Digest, Group, Merge, Recipe
from swarm_core.rollout import Rollout, Unmeasured, batch, measure
from swarm_core.sides import GENERATORS, TAKERS
from swarm_core.swarm import positions, pso, streams
from swarm_trainer.lora import adapter, combine
from swarm_trainer.report.verdict import Interval
from swarm_trainer.stores import tree
from swarm_trainer.verbs import engines, layers, pins, places, receipts
from swarm_trainer.verbs.context import Context
from swarm_trainer.verbs.engines import Stock
from swarm_trainer.verbs.examine import Exam, Sampling
from swarm_trainer.verbs.layers import Layers


@dataclass(frozen=True, slots=True)
class Setup:
    """A search, ready to go on."""

    resolved: ResolvedSpec
    manifest: Digest
    """The digest of the experiment's manifest: the root of the chain."""
    experiment: Experiment
    basis: tuple[Digest, ...]
    exam: Exam
    plan: pso.Plan
    objective: bootstrap.Resampled
    layers: Layers | None = None
    """Those with coefficients of their own; None gives all tensors the same."""
    facing: tuple[Recipe, ...] = ()
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
        return search.choice_items(self.resolved)

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
            groups=(Group(block),) if self.layers is None else self.layers.groups(block),
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
        pair = batch(first, self.coverage), batch(second, self.coverage)
        found = bootstrap.difference(*pair, self.objective, self.coverage, seed)
        return Interval(found.value, found.low, found.high)

    def engines(self, context: Context) -> list[Inference]:
        """The inference engines of this run, one per lane, kept warm in the worker."""
        if self.manifest not in context.engines:
            context.engines[self.manifest] = engines.made(context, self.stock(context))
        return context.engines[self.manifest]

    def stock(self, context: Context) -> Stock:
        """What the engines are to serve: of a game, both sides as they start."""
        starts = [one for swarm in search.moving(context.resolved) for one in prepared(context, swarm).corners]
        return Stock(models(context), lambda digest: unpacked(context, digest), (*starts, *self.taker_recipes))

    @property
    def corners(self) -> tuple[Recipe, ...]:
        """The initial adapters, as the search serves them."""
        return tuple(map(self.recipe, positions.vertices(self.plan.basis, self.plan.groups)))

    def serving(self, context: Context, live: Sequence[Recipe]) -> list[Inference]:
        """The engines, each serving `live` and the takers."""
        lanes = self.engines(context)
        for engine in lanes:
            engine.serve([*live, *self.taker_recipes, *self.facing])
        return lanes

    def export(self, context: Context, position: Sequence[float], out: Path) -> None:
        """Write the adapter at a position as an ordinary PEFT folder."""
        combine.write(self.recipe(position), [unpacked(context, digest) for digest in self.basis], out)


def prepared(context: Context, swarm: str = GENERATORS, later: int = 0) -> Setup:
    """The setup of one swarm, once prepare and every seed are done; `later`: the adapters trained for it since."""
    if (swarm, later) not in context.setups:
        context.setups[swarm, later] = assembled(context, swarm, later)
    return context.setups[swarm, later]


def assembled(context: Context, swarm: str, later: int) -> Setup:
    manifest, experiment = manifested(context.store)
    given = experiment.side(swarm).adapters
    trained = later if given else search.side(context.resolved, swarm).generators.count + later
    basis = (*given, *(seeded(context.store, swarm, index) for index in range(trained)))
    return ready(context, manifest, experiment, basis, swarm)


def ready(
    context: Context, manifest: Digest, pinned: Experiment, basis: tuple[Digest, ...], swarm: str = GENERATORS
) -> Setup:
    """The setup of one swarm's search over `basis`, whose adapters are in the store."""
    resolved, experiment = search.side(context.resolved, swarm), pinned.side(swarm)
    asked = exam(resolved, experiment, seed_data(context.store, experiment))
    apart = layered(context, basis[0]) if resolved.swarm.per_layer else None
    return Setup(
        resolved=resolved,
        manifest=manifest,
        experiment=experiment,
        basis=basis,
        exam=replace(asked, held_out=held_out(context, pinned)),
        plan=search.plan(resolved, len(apart.prefixes) if apart else 1),
        objective=Accuracy() if swarm == TAKERS else objectives.objective(str(resolved.objective)),
        layers=apart,
    )


def manifested(store: ArtifactStore) -> tuple[Digest, Experiment]:
    """The experiment as prepared, and its manifest's digest."""
    receipt = receipts.stored(store, WorkItem(Kind.PREPARE).key)
    if receipt is None:
        raise StoreError("the experiment is not prepared: its receipt is missing from the store; run prepare first")
    digest = receipt.outputs[Output.EXPERIMENT]
    return digest, Experiment.from_bytes(store.get(digest).read_bytes())


def seed_data(store: ArtifactStore, experiment: Experiment) -> SeedData:
    return SeedData.from_bytes(store.get(experiment.data).read_bytes())


def held_out(context: Context, experiment: Experiment) -> frozenset[str]:
    """What no generator may write and no taker be trained on: the items that either side holds out."""
    sides = map(experiment.side, search.moving(context.resolved))
    return frozenset(item for side in sides for item in seed_data(context.store, side).held_out)


def seeded(store: ArtifactStore, swarm: str, index: int) -> Digest:
    """The adapter of one seed cluster, or one trained later."""
    key = WorkItem(Kind.SEED, swarm, index).key
    receipt = receipts.stored(store, key)
    if receipt is None:
        raise StoreError(
            f"adapter {index} of the {swarm} is not trained: the receipt of {key} is missing from the store"
        )
    return receipt.outputs[Output.ADAPTER]


def exam(resolved: ResolvedSpec, experiment: Experiment, data: SeedData) -> Exam:
    """What every candidate of the run is asked."""
    return Exam(
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
        judge=judge(resolved.judge),
        remote=frozenset(recipe.remote(way.remote.url, way.remote.model) for way in resolved.access),
    )


def judge(chosen: Verifier | ResolvedJudge) -> Judge | Rubric:
    """The judge of a spec: a program, or a model with its rubric."""
    if isinstance(chosen, Verifier):
        return judges.judge(str(chosen.name))
    return Rubric(
        model=recipe.remote(chosen.endpoint.url, chosen.endpoint.model),
        text=chosen.rubric,
        low=chosen.scale.low,
        high=chosen.scale.high,
        max_tokens=chosen.max_tokens,
        vet=chosen.vet,
    )


def layered(context: Context, adapted: Digest) -> Layers:
    """The layers that an adapter adapts: those of the whole basis, for only adapters alike are summed."""
    return layers.of(adapter.read_signature(unpacked(context, adapted)))


def unpacked(context: Context, digest: Digest) -> Path:
    """The folder of a stored adapter, in the worker's cache."""
    return tree.get_tree(context.store, digest, context.cache)


def base_folder(context: Context) -> Path:
    """The folder of the base model."""
    return places.here(base(context.resolved), context)


def base(resolved: ResolvedSpec) -> Use:
    """The base model's place in the spec."""
    return next(use for use in defaults.uris(resolved) if use.role is Role.BASE)


def models(context: Context) -> dict[Digest, Path]:
    """The folder of every base by its digest, hashed in this process. Raises BadInputError if one changed."""
    pinned = pins.load(context.store)
    found: dict[Digest, Path] = {}
    for use in defaults.uris(context.resolved):
        if use.role in (Role.BASE, Role.TAKER_MODEL):
            path = places.here(use, context)
            digest = places.pin(use, context).digest
            pins.check(use, digest, pinned[use.uri])
            found[digest] = path
    return found
