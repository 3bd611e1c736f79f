"""What the half of a rival that uses models works with: the search, its budget, and measurements that are stored.

    def carry_out(rival, context: RivalContext) -> FinalData

Such a function returns the rival's data: one rollout for each final seed. `RivalContext.write_final` makes them from a
model, as the final evaluation makes those of the best generator: the same prompts, seeds, gates and judge, at the same
places. A rival that cannot get that far raises `RivalError` with the reason.

Before that, a rival may make measurements of its own (`measure`), within the budget of the search. A measurement that
would go over it is not requested. What a measurement costs in tokens is known only after it: the first that goes over
the budget is left out, and so are all that follow.

Everything is stored under `rivals/NAME/` before it counts. So a rival that is killed goes on from what is stored, and
gets the same result. Limits: the rollouts alone decide what was spent, so a rival makes its measurements in an order
that is a function of the spec and of earlier rollouts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from swarm_core import commit
from swarm_core.composition import Statistics
from swarm_core.engine.work import WorkItem
from swarm_core.ports import Inference
from swarm_core.recipe import ModelName, Recipe
from swarm_core.rivals.rival import SearchCost
from swarm_core.rollout import Rollout
from swarm_trainer.evaluation import lanes, rollout_store, serving
from swarm_trainer.evaluation.examine import Examination, Stage
from swarm_trainer.evaluation.rollout_store import RolloutRequest
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.report.search_result import SearchResult
from swarm_trainer.runtime.context import Context, Progress

WRITER = "writer"
"""The name of the final rollouts of a rival that is one model."""


class RivalError(Exception):
    """A rival has no data to measure. The message is the reason that the report gives."""


@dataclass(frozen=True, slots=True)
class FinalData:
    """The data of a rival."""

    model: ModelName
    """The model that wrote the items."""
    rollouts: tuple[Rollout, ...]
    """One rollout for each final seed, in order."""


@dataclass(frozen=True, slots=True)
class MeasurementRequest:
    """A measurement that a rival wants."""

    name: str
    """A name that is unique within its stage, such as that of a candidate."""
    recipe: Recipe
    stage: Stage
    """The stage, which decides the prompts and the sampling seeds, such as ("iteration", 3)."""
    folder: str
    """The folder of its rollout below `rivals/NAME/`, such as `iterations/0003`."""
    items: int
    """The number of items to write."""


@dataclass(slots=True)
class RivalContext:
    """What one rival works with."""

    name: str
    """The name of the rival in the report and in the store."""
    item: WorkItem
    context: Context
    setup: SearchSetup
    """The search that the rival is compared with."""
    found: SearchResult
    """The result of the search. Its baseline is the initial generator that was best in the choice."""
    start: Statistics
    """The statistics that fitness is composed with."""
    budget: SearchCost
    """What the search spent, its final choice included."""
    spent: SearchCost = field(default_factory=SearchCost)
    """What this rival has spent on the measurements that count."""

    @property
    def final_stages(self) -> list[Stage]:
        """The stages of the final evaluation, one for each final seed."""
        return [("final", seed) for seed in range(self.setup.resolved.evaluation.final.seeds)]

    def measure(
        self, wanted: Sequence[MeasurementRequest], examination: Examination | None = None
    ) -> list[Rollout | None]:
        """Make measurements within the budget. None stands for one that would go over it, and for all after it.

        `examination`: another way to ask for items; by default that of the search. Raises InferenceError, CorruptError,
        StoreError.
        """
        affordable = self.count_affordable(wanted)
        requests = [
            RolloutRequest(commit.rival_key(self.name, one.folder, one.name), one.recipe.name, one.stage, one.items)
            for one in wanted[:affordable]
        ]
        results: list[Rollout | None] = []
        recipes = [one.recipe for one in wanted[:affordable]]
        for rollout in self.request(recipes, requests, examination or self.setup.examination) if requests else ():
            within = None not in results and (self.spent + SearchCost.sum([rollout])).fits_into(self.budget)
            if within:
                self.spent += SearchCost.sum([rollout])
            results.append(rollout if within else None)
        return [*results, *[None] * (len(wanted) - affordable)]

    def count_affordable(self, wanted: Sequence[MeasurementRequest]) -> int:
        """Return how many of `wanted`, from the first one on, request no more items than are left."""
        left, repeats = self.budget.items - self.spent.items, self.setup.examination.repeats
        for count, one in enumerate(wanted):
            left -= one.items * repeats
            if left < 0:
                return count
        return len(wanted)

    def write_final(self, recipe: Recipe, examination: Examination | None = None) -> FinalData:
        """Have a model write the final items, which takers answer and the judge scores.

        `examination`: another way to ask for items; by default that of the search. Raises InferenceError, CorruptError,
        StoreError.
        """
        items = self.setup.resolved.evaluation.final.items
        requests = [
            RolloutRequest(commit.rival_key(self.name, "/".join(map(str, stage)), WRITER), recipe.name, stage, items)
            for stage in self.final_stages
        ]
        rollouts = tuple(self.request([recipe], requests, examination or self.setup.examination))
        return FinalData(recipe.name, rollouts)

    def request(
        self, recipes: Sequence[Recipe], requests: Sequence[RolloutRequest], examination: Examination
    ) -> Iterator[Rollout]:
        """Yield the rollout of each request, in order, while the engines serve `recipes`."""
        engines = serving.serve(self.context, self.setup, recipes)
        jobs = [self.build_job(request, examination) for request in requests]
        for done, rollout in enumerate(lanes.run_jobs(engines, jobs), 1):
            usage = self.context.record_usage()
            note = f"measuring rival {self.name}"
            self.context.progress(Progress(self.item.key, note, done, len(jobs), rollout.tokens, usage=usage))
            yield rollout

    def build_job(self, request: RolloutRequest, examination: Examination) -> lanes.EngineJob[Rollout]:
        """Build the job of one rollout."""

        def job(engine: Inference) -> Rollout:
            return rollout_store.load_or_create(self.context.store, examination, engine, request, self.context.meter)[1]

        return job
