"""Trains students on the data found, on the initial data and on seed data, and compares them on test items.

It is the last part of the conclusion, because its data are the final items. Every student is the base model with an
adapter that is trained from the same start, at equal tokens and with the same settings. Each is stored as soon as it is
trained, so a killed conclusion goes on with the next one.

Limits: the students are trained by the process that concludes. On a cluster with inference servers it holds no
accelerator, so such a run is refused (`swarm_operator.common.cluster_run`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from swarm_core import commit, streams
from swarm_core.api.student import Student
from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.work import Receipt, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.experiment import SeedData
from swarm_core.items import Item
from swarm_core.ports import Inference
from swarm_core.recipe import Recipe, build_single
from swarm_core.rollout import Rollout, Unmeasured
from swarm_trainer.evaluation import lanes, rollout_store, serving, student_comparison, student_data
from swarm_trainer.evaluation.rollout_store import RolloutRequest
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.evaluation.student_comparison import Scores
from swarm_trainer.evaluation.student_data import Pair, StudentData
from swarm_trainer.lora import base, training
from swarm_trainer.lora.training import InstructionTuning
from swarm_trainer.report.search_result import SearchResult
from swarm_trainer.report.student_report import StudentReport, TrainedStudents
from swarm_trainer.run_store import experiments, receipt_store, student_receipts
from swarm_trainer.run_store.student_receipts import TrainingData
from swarm_trainer.runtime import adapter_training, model_folders
from swarm_trainer.runtime.adapter_training import TrainingTask
from swarm_trainer.runtime.context import Context, Progress

UNTRAINED = "untrained"
STEPS = "steps"
"""The name of the scalar of a receipt with the number of optimizer steps."""


def evaluate_student(
    item: WorkItem, context: Context, setup: SearchSetup, result: SearchResult
) -> StudentReport | None:
    """Train and compare the students of the spec; None if it asks for none.

    Raises InferenceError, CorruptError, StoreError.
    """
    student, digest = setup.resolved.evaluation.student, setup.experiment.student_test
    if student is None or digest is None:
        return None
    test = SeedData.from_bytes(context.store.get(digest).read_bytes()).example_items
    return StudentEvaluation(item, context, setup, student, test).evaluate(result)


@dataclass(frozen=True, slots=True)
class StudentEvaluation:
    """The training and the comparison of the students of one run."""

    item: WorkItem
    context: Context
    setup: SearchSetup
    student: Student
    test: tuple[Item, ...]

    def evaluate(self, result: SearchResult) -> StudentReport:
        """Train every student that is not trained yet, measure all, and compare.

        A training that fails is the reason why there are no students, and takes nothing else of the result away.
        """
        cut = self.build_data(result)
        if not all(one.pairs for one in cut.values()):
            empty = [name for name, one in cut.items() if not one.is_usable] or list(cut)
            return self.report_missing(f"no training pair is left of the data {', '.join(empty)}")
        block = self.student.training
        steps = ceil(min(len(one.pairs) for one in cut.values()) / (block.batch_size * block.gradient_accumulation))
        try:
            receipts = {
                name: [self.load_or_train(name, seed, one, steps) for seed in range(self.student.seeds)]
                for name, one in cut.items()
            }
        except BadInputError as error:
            return self.report_missing(f"a student cannot be trained: {error}")
        scores = self.measure(receipts)
        names = list(cut)
        differences = [(names[0], second) for second in names[1:]]
        coverage = self.setup.evaluator.coverage
        return StudentReport(
            test_items=len(self.test),
            untrained=student_comparison.measure_accuracy(scores[UNTRAINED], self.test, coverage),
            students=tuple(self.summarize(name, one, receipts[name][0], scores[name]) for name, one in cut.items()),
            differences=tuple(
                student_comparison.compare(scores, first, second, coverage, self.setup.resolved.seed)
                for first, second in differences
            ),
        )

    def report_missing(self, reason: str) -> StudentReport:
        """Return the report of students that were not trained."""
        return StudentReport(len(self.test), Unmeasured(reason), (), (), reason)

    def build_data(self, result: SearchResult) -> dict[str, StudentData]:
        """Return the training pairs of each data set, at equal tokens. If no generator was found, there are two."""
        seeds = experiments.load_seed_data(self.context.store, self.setup.experiment).example_items
        items: dict[str, Sequence[Item]] = {
            TrainingData.FOUND: list_items(result.best.rollouts),
            TrainingData.INITIAL: list_items(result.initial.rollouts),
            TrainingData.SEED: seeds,
        }
        if result.best is result.initial:
            del items[TrainingData.FOUND]
        exam = self.setup.examination
        data = {
            name: student_data.build_student_data(some, self.test, exam.judge, exam.wording)
            for name, some in items.items()
        }
        return student_data.cut_to_equal_tokens(data, self.count_tokens, self.setup.resolved.seed)

    def count_tokens(self, pairs: Sequence[Pair]) -> list[int]:
        """Return the number of tokens of each pair as it is trained on; 0 for one whose prompt leaves no room."""
        settings, tokenizer = self.settings, base.read_tokenizer(model_folders.locate_base(self.context))
        examples = (training.tokenize(tokenizer, [pair], settings)[0] for pair in pairs)
        return [sum(len(example.ids) for example in found) for found in examples]

    @property
    def settings(self) -> training.TrainingSettings:
        """The settings of every training."""
        wording = self.setup.resolved.wording
        return training.TrainingSettings(
            **self.student.training.model_dump(), chat=wording.chat, system=wording.texts.answering_system
        )

    def load_or_train(self, name: str, seed: int, data: StudentData, steps: int) -> Receipt:
        """Return the receipt of a student, which is trained now if the store has none.

        `steps`: the number of optimizer steps of each epoch. Raises BadInputError, StoreError.
        """
        key = student_receipts.name_student(name, seed)
        stored = receipt_store.load(self.context.store, key)
        return stored or receipt_store.publish(self.context.store, self.train(key, seed, data, steps))

    def train(self, key: str, seed: int, data: StudentData, steps: int) -> Receipt:
        """Train one student and store its adapter. Raises BadInputError, StoreError."""

        def report(step: int, steps: int, loss: float) -> None:
            self.context.progress(Progress(self.item.key, f"training {key}, loss {loss:.3f}", step, steps))

        resolved = self.setup.resolved
        stage = InstructionTuning(data.pairs, replace(self.settings, steps_per_epoch=steps))
        task = TrainingTask(len(data.pairs), stage, seed=streams.derive_seed(resolved.seed, "student", seed))
        adapter, trained = adapter_training.train_and_store(key, self.context, resolved, task, report)
        return Receipt(key, {Output.ADAPTER: adapter}, {STEPS: trained.steps, "loss": trained.loss})

    def measure(self, receipts: dict[str, list[Receipt]]) -> dict[str, Scores]:
        """Return the scores of all students, and of the model that they start from, by the name of the data."""
        untrained = build_single(self.setup.experiment.base, None, str(self.setup.resolved.base.dtype))
        models: dict[str, list[Recipe]] = {UNTRAINED: [untrained]}
        for name, trained in receipts.items():
            models[name] = [
                build_single(untrained.base, receipt.outputs[Output.ADAPTER], untrained.dtype) for receipt in trained
            ]
        return {name: Scores.of(self.answer(name, some)) for name, some in models.items()}

    def answer(self, name: str, models: Sequence[Recipe]) -> list[Rollout]:
        """Return the answers of some models to the test items, which they give now if they have not yet."""
        engines = serving.serve(self.context, self.setup, models)
        jobs = [self.build_job(name, seed, model) for seed, model in enumerate(models)]
        rollouts: list[Rollout] = []
        for rollout in lanes.run_jobs(engines, jobs):
            rollouts.append(rollout)
            usage = self.context.record_usage()
            done = Progress(
                self.item.key, f"testing students: {name}", len(rollouts), len(jobs), rollout.tokens, usage=usage
            )
            self.context.progress(done)
        return rollouts

    def build_job(self, name: str, seed: int, model: Recipe) -> lanes.EngineJob[Rollout]:
        """Build the job that has one model answer the test items."""
        request = RolloutRequest(commit.rollout_key(f"student/{seed}", name), model.name, ("student",), self.test)

        def job(engine: Inference) -> Rollout:
            store, exam, meter = self.context.store, self.setup.examination, self.context.meter
            return rollout_store.load_or_create(store, exam, engine, request, meter)[1]

        return job

    def summarize(self, name: str, data: StudentData, receipt: Receipt, scores: Scores) -> TrainedStudents:
        """Return what the students of one data set learned from, and their accuracy."""
        coverage = self.setup.evaluator.coverage
        return TrainedStudents(
            data=str(name),
            distinct=data.distinct,
            in_test=data.in_test,
            unanswered=data.unanswered,
            pairs=len(data.pairs),
            tokens=data.tokens,
            steps=int(float(receipt.scalars[STEPS] or 0)),
            accuracy=student_comparison.measure_accuracy(scores, self.test, coverage),
            by_seed=scores.by_seed(),
        )


def list_items(rollouts: Sequence[Rollout]) -> list[Item]:
    """List the accepted items of some rollouts."""
    return [one.item for rollout in rollouts for one in rollout.items]
