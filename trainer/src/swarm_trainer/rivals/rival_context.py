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

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from swarm_core import commit
from swarm_core.composition import Statistics
from swarm_core.engine.work import WorkItem
from swarm_core.ports import Inference
from swarm_core.recipe import ModelName, Recipe
from swarm_core.rivals.rival import SearchCost
from swarm_core.rollout import Rollout
from swarm_trainer.evaluation import examine, lanes, rollout_store, serving
from swarm_trainer.evaluation.completions import Asker
from swarm_trainer.evaluation.examine import Examination, ExaminationState, Stage
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
    examination: Examination | None = None
    """Another way to ask for items; by default that of the search."""


@dataclass(frozen=True, slots=True)
class RolloutJob:
    """A rollout that is made unless the store has it."""

    key: str
    """The key of the rollout in the store."""
    model: ModelName
    make: Callable[[Inference], Rollout]


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
    searched: SearchCost
    """The part of `budget` that the iterations of the search spent, without the final choice."""
    spent: SearchCost = field(default_factory=SearchCost)
    """What this rival has spent on the measurements that count."""

    @property
    def final_stages(self) -> list[Stage]:
        """The stages of the final evaluation, one for each final seed."""
        return [("final", seed) for seed in range(self.setup.resolved.evaluation.final.seeds)]

    def measure(self, wanted: Sequence[MeasurementRequest], budget: SearchCost | None = None) -> list[Rollout | None]:
        """Make measurements. None stands for the first with which the rival would have spent more than `budget`, and
        for all after it. By default, this is the whole budget.

        Raises InferenceError, CorruptError, StoreError.
        """
        budget = budget or self.budget
        affordable = wanted[: self.count_affordable(wanted, budget)]
        jobs = [
            self.build_writing(
                commit.rival_key(self.name, one.folder, one.name), one.recipe, one.stage, one.items, one.examination
            )
            for one in affordable
        ]
        results: list[Rollout | None] = []
        for rollout in self.run([one.recipe for one in affordable], jobs) if jobs else ():
            within = None not in results and (self.spent + SearchCost.sum([rollout])).fits_into(budget)
            if within:
                self.spent += SearchCost.sum([rollout])
            results.append(rollout if within else None)
        return [*results, *[None] * (len(wanted) - len(affordable))]

    def count_affordable(self, wanted: Sequence[MeasurementRequest], budget: SearchCost) -> int:
        """Return how many of `wanted`, from the first one on, request no more items than are left of `budget`."""
        left, repeats = budget.items - self.spent.items, self.setup.examination.repeats
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
        jobs = [
            self.build_writing(self.final_key(stage), recipe, stage, items, examination) for stage in self.final_stages
        ]
        return FinalData(recipe.name, tuple(self.run([recipe], jobs)))

    def build_writing(
        self, key: str, recipe: Recipe, stage: Stage, items: int, examination: Examination | None = None
    ) -> RolloutJob:
        """Build the job of having a model write items, which takers answer. `key`: the key of its rollout."""
        exam = examination or self.setup.examination

        def make(engine: Inference) -> Rollout:
            return examine.examine_generator(exam, engine, recipe.name, stage, items)

        return RolloutJob(key, recipe.name, make)

    def compose(self, rollouts: Sequence[Rollout], *key: str | int) -> float | None:
        """Return the fitness of the pooled rollouts of one model, as the search composes it; None without enough
        scores. `key` seeds the resamples of intervals."""
        evaluator = self.setup.evaluator
        return evaluator.compose(evaluator.measure(rollouts, *key), self.start)

    def answer_final(self, written: Sequence[Rollout]) -> FinalData:
        """Have the takers answer items that were written before, with new sampling seeds.

        `written`: one rollout for each final seed, all of one model. The data are the same rollouts with these answers.
        Raises InferenceError, CorruptError, StoreError.
        """
        jobs = [self.build_answering(one, stage) for one, stage in zip(written, self.final_stages, strict=True)]
        return FinalData(written[0].model, tuple(self.run((), jobs)))

    def build_answering(self, written: Rollout, stage: Stage) -> RolloutJob:
        """Build the job of the takers' new answers to the items of a rollout, whose features stay.

        If generators write answers, the takers check them again.
        """
        exam, items = self.setup.examination, [one.item for one in written.items]

        def make(engine: Inference) -> Rollout:
            ask, state = Asker(engine), ExaminationState((), requests=list(written.requests))
            answered = examine.collect_answers(exam, (*stage, "verdict"), items, ask)
            pairs = zip(answered, written.items, strict=True)
            featured = tuple(replace(one, features=before.features) for one, before in pairs)
            confirmed = examine.confirm_answers(exam, state, featured)
            return replace(
                written,
                items=confirmed,
                rejections=(*written.rejections, *state.rejections),
                lost=written.lost + state.lost,
                requests=tuple(state.requests),
                tokens=ask.tokens,
                thinking_tokens=ask.thinking_tokens,
            )

        return RolloutJob(self.final_key(stage), written.model, make)

    def final_key(self, stage: Stage) -> str:
        """Return the key of the rival's rollout at a final stage."""
        return commit.rival_key(self.name, "/".join(map(str, stage)), WRITER)

    def run(self, recipes: Iterable[Recipe], jobs: Sequence[RolloutJob]) -> Iterator[Rollout]:
        """Yield the rollout of each job, in order, while the engines serve `recipes` and the takers.

        Raises InferenceError, CorruptError, StoreError.
        """
        engines = serving.serve(self.context, self.setup, list(dict.fromkeys(recipes)))
        for done, rollout in enumerate(lanes.run_jobs(engines, [self.build_engine_job(job) for job in jobs]), 1):
            usage, note = self.context.record_usage(), f"measuring rival {self.name}"
            self.context.progress(Progress(self.item.key, note, done, len(jobs), rollout.tokens, usage=usage))
            yield rollout

    def build_engine_job(self, job: RolloutJob) -> lanes.EngineJob[Rollout]:
        """Build the job of one rollout for any engine. It is stored before it counts."""

        def execute(engine: Inference) -> Rollout:
            return rollout_store.load_or_make(
                self.context.store, job.key, job.model, lambda: job.make(engine), self.context.meter
            )[1]

        return execute
