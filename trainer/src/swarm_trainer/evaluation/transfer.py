"""Measures whether a gain transfers to takers that the search never asked (`spec.evaluation.unseen`).

They answer the items of the final evaluation, so a value with unseen takers is paired with that of the search's takers,
request by request. Their judge, rules and coverage are those of the run.

Too many answers without a score leave a value unmeasured, and change nothing else of the result.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

from swarm_core import streams, usage
from swarm_core.commit import Commit
from swarm_core.engine.work import WorkItem
from swarm_core.objectives import intervals, rank_correlation
from swarm_core.objectives.interval_bounds import Bounds
from swarm_core.objectives.mean_score import MeanScore
from swarm_core.objectives.objective import Measurement, Objective, ReferenceScores, Sample
from swarm_core.objectives.rank_correlation import LEAST_VALUES, RankCorrelation
from swarm_core.objectives.scores import CoverageError
from swarm_core.rollout import Rollout, Unmeasured, build_sample, measure
from swarm_trainer.evaluation import serving, unseen_answers
from swarm_trainer.evaluation.evaluator import Evaluator
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.evaluation.unseen_answers import Answered
from swarm_trainer.report.search_result import EvaluatedGenerator, SearchResult
from swarm_trainer.report.transfer_report import GeneratorTransfer, Measured, Transfer, UnseenTaker
from swarm_trainer.runtime.context import Context

CORRELATION_BOUNDS = Bounds(-1.0, 1.0, 2.0)


def measure_transfer(
    item: WorkItem, context: Context, setup: SearchSetup, commits: Sequence[Commit], result: SearchResult
) -> Transfer | None:
    """Have the unseen takers answer the final items, and measure; None if the run has no unseen takers.

    `commits`: those of the search, oldest first. Raises BadInputError if the engines are not available, InferenceError,
    CorruptError, StoreError.
    """
    unseen = setup.experiment.unseen_models(setup.resolved.base.dtype)
    if not unseen:
        return None
    engines = serving.serve(context, setup, setup.experiment.unseen_recipes(setup.resolved.base.dtype))
    evaluator = setup.evaluator.with_takers(unseen)
    reference = unseen_answers.answer_reference(context, setup, evaluator, engines[0])
    return TransferMeasurement(
        evaluator=replace(evaluator, reference=reference if isinstance(reference, ReferenceScores) else None),
        objective=setup.evaluator.find_reported(setup.evaluator.summarize(commits[0].candidates)),
        result=result,
        answered=unseen_answers.answer_final_items(item, context, evaluator, engines, list_generators(result)),
        seen_reference=setup.evaluator.reference,
        missing=reference if isinstance(reference, Unmeasured) else None,
    ).build()


def list_generators(result: SearchResult) -> list[EvaluatedGenerator]:
    """List the initial generators, and the best one if it is none of them."""
    is_initial = any(result.best is one for one in result.initials)
    return [*result.initials, *([] if is_initial else [result.best])]


@dataclass(frozen=True, slots=True)
class TransferMeasurement:
    """The data of a transfer, from which its values are computed."""

    evaluator: Evaluator
    """The evaluator of the search with the unseen takers."""
    objective: Objective
    result: SearchResult
    answered: Answered
    """The final rollouts with the answers of unseen takers."""
    seen_reference: ReferenceScores | None
    """The scores of the search's takers on the reference set."""
    missing: Unmeasured | None
    """Why the objective cannot be measured; None if the unseen takers answered all that it needs."""

    def build(self) -> Transfer:
        """Compute every value."""
        result = self.result
        best, initial = self.answered[result.best.name], self.answered[result.initial.name]
        rollouts = list(chain.from_iterable(self.answered.values()))
        generators = tuple(self.measure_generator(one) for one in list_generators(result))
        return Transfer(
            takers=tuple(self.measure_taker(name, best, initial) for name in best[0].takers),
            generators=generators,
            gain=self.missing or self.subtract(best, initial, self.objective),
            kendall=self.correlate(generators, rank_correlation.compute_kendall),
            spearman=self.correlate(generators, rank_correlation.compute_spearman),
            tokens=sum(one.tokens for one in rollouts),
            unscored=dict(usage.merge_counts(chain.from_iterable(one.unscored().items() for one in rollouts))),
        )

    def measure_generator(self, generator: EvaluatedGenerator) -> GeneratorTransfer:
        """Return the value of a generator with unseen takers beside that with the search's."""
        found = self.missing or self.measure(self.answered[generator.name], self.objective, generator.name)
        return GeneratorTransfer(generator.name, generator.fresh, found)

    def measure_taker(self, name: str, best: Sequence[Rollout], initial: Sequence[Rollout]) -> UnseenTaker:
        """Return the mean scores of one unseen taker."""
        of_best, of_initial = ([select_taker(rollout, name) for rollout in some] for some in (best, initial))
        score = MeanScore()
        return UnseenTaker(
            name,
            require_items(of_best) or self.measure(of_best, score, name),
            require_items(of_initial) or self.measure(of_initial, score, name),
            require_items(of_best) or require_items(of_initial) or self.subtract(of_best, of_initial, score),
        )

    def measure(self, rollouts: Sequence[Rollout], objective: Objective, name: str) -> Measured:
        """Measure an objective over the rollouts of one generator."""
        seed = streams.derive_seed(self.evaluator.seed, "bootstrap", "transfer", name)
        judge, reference = self.evaluator.examination.judge, self.evaluator.reference
        return measure(rollouts, objective, self.evaluator.coverage, seed, judge, reference)

    def subtract(self, best: Sequence[Rollout], initial: Sequence[Rollout], objective: Objective) -> Measured:
        """Return the value of the best generator minus that of the baseline; exactly 0 if they are the same."""
        samples = [self.build_sample(rollouts, self.evaluator.reference) for rollouts in (best, initial)]
        if self.result.best is self.result.initial:
            return Measurement(0.0, 0.0, 0.0, 2 * samples[0].accepted)
        seed = streams.derive_seed(self.evaluator.seed, "bootstrap", "transfer", "gain")
        try:
            return intervals.measure_difference(samples[0], samples[1], objective, self.evaluator.coverage, seed)
        except CoverageError as error:
            return Unmeasured(str(error))

    def build_sample(self, rollouts: Sequence[Rollout], reference: ReferenceScores | None) -> Sample:
        """Return the rollouts of one generator as one sample."""
        return build_sample(rollouts, self.evaluator.examination.judge, reference)

    def correlate(self, generators: Sequence[GeneratorTransfer], correlation: RankCorrelation) -> Measured:
        """Return how far the search's takers and unseen ones put the generators in the same order."""
        unmeasured = [(one.name, one.unseen) for one in generators if isinstance(one.unseen, Unmeasured)]
        if unmeasured:
            name, reason = unmeasured[0]
            return Unmeasured(f"{name}: {reason.reason}")
        if len(generators) < LEAST_VALUES:
            return Unmeasured(f"{len(generators)} generators; an order needs at least {LEAST_VALUES}")
        unseen = [one.unseen.value for one in generators if isinstance(one.unseen, Measurement)]
        value = correlation([one.seen.value for one in generators], unseen)
        if value is None:
            return Unmeasured("all generators have the same value, so they have no order")
        low, high = self.bound_correlation(value, correlation)
        return Measurement(value, low, high, len(generators))

    def bound_correlation(self, value: float, correlation: RankCorrelation) -> tuple[float, float]:
        """Return the 95 % interval of a rank correlation, from random halves of the requests."""
        generators = list_generators(self.result)
        seen = [self.build_sample(one.rollouts, self.seen_reference) for one in generators]
        unseen = [self.build_sample(self.answered[one.name], self.evaluator.reference) for one in generators]
        seed = streams.derive_seed(self.evaluator.seed, "bootstrap", "transfer", "order")

        def compute(values: Sequence[float]) -> float | None:
            return correlation(values[: len(seen)], values[len(seen) :])

        return intervals.bound_statistic(value, [*seen, *unseen], self.objective, compute, seed, CORRELATION_BOUNDS)


def select_taker(rollout: Rollout, name: str) -> Rollout:
    """Return `rollout` with the answers of one of its takers alone."""
    index = rollout.takers.index(name)
    items = tuple(replace(one, answers=(one.answers[index],)) for one in rollout.items)
    return replace(rollout, takers=(name,), items=items)


def require_items(rollouts: Sequence[Rollout]) -> Unmeasured | None:
    """Return why there is no mean score: no item was accepted; None if some were."""
    return None if any(rollout.items for rollout in rollouts) else Unmeasured("no item was accepted")
