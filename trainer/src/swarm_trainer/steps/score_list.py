"""Measures a list of items with the takers, the judge, the gates and the objective of a run, without its generators.

Nothing is trained or generated, so no receipt is written. The list is measured as a run measures the items of a
generator (`evaluation.item_list`).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from swarm_core.api.objective_blocks import WEIGHTED
from swarm_core.commit import MeasuredValues
from swarm_core.experiment import Experiment, SeedData
from swarm_core.item_index import ItemIndex
from swarm_core.items import Item
from swarm_core.ports import Inference
from swarm_core.rollout import Rollout
from swarm_core.swarm_names import GENERATORS
from swarm_trainer.evaluation import evaluator, gate_data, item_list, reference_set, run_parts, search_setup
from swarm_trainer.evaluation.evaluator import Evaluator
from swarm_trainer.runtime import taker_engine, text_classifiers
from swarm_trainer.runtime.context import Context
from swarm_trainer.steps import part_inputs, prepare

NO_SEEDS = SeedData(((),), ())


def measure_list(
    context: Context, items: Sequence[Item], report: Callable[[int, int], None]
) -> tuple[Evaluator, Rollout]:
    """Return the answers to the items, and what measures them. `report` gets the number of answered items and of all.

    Raises BadInputError if a part, a model or the data of the objective cannot be used, InferenceError for an outage,
    StoreError.
    """
    run_parts.check(context.resolved)
    for name, objective in run_parts.build_objectives(context.resolved).items():
        item_list.check_objective(name, objective)
    text_classifiers.check(context, run_parts.build_judge(context.resolved))
    experiment = add_part_data(context, taker_engine.pin_takers(context))
    measuring = build_evaluator(context, experiment)
    engine = taker_engine.build(context, experiment)
    measuring = answer_reference(context, experiment, measuring, engine)
    return measuring, item_list.answer_items(measuring.examination, engine, items, report)


def add_part_data(context: Context, experiment: Experiment) -> Experiment:
    """Return the experiment with the data of the objective and of the gates. Raises BadInputError."""
    wanted = context.resolved.reference
    from_seeds = wanted is not None and wanted.source is None
    seed_data = prepare.read_seed_data(context, GENERATORS) if from_seeds else NO_SEEDS
    return replace(
        experiment,
        reference=part_inputs.pin_reference(context, seed_data),
        corpus=part_inputs.pin_corpus(context),
        data_sets=part_inputs.pin_data_sets(context),
    )


def build_evaluator(context: Context, experiment: Experiment) -> Evaluator:
    """Build the evaluator of the run, without seed items. Raises BadInputError."""
    resolved = context.resolved
    examination = evaluator.build_examination(resolved, experiment, NO_SEEDS)
    corpus = search_setup.load_pinned_items(context.store, experiment.corpus)
    examination = replace(
        examination,
        corpus=ItemIndex(corpus, examination.judge),
        gates=gate_data.load_gates(context, experiment, examination.judge),
        features=search_setup.build_features(context, corpus),
    )
    objectives, fitness = search_setup.choose_objectives(resolved, GENERATORS)
    return Evaluator(examination, tuple(objectives.items()), fitness, resolved.evaluation.coverage)


def measure_values(measuring: Evaluator, rollout: Rollout) -> MeasuredValues:
    """Return the value of every objective, after that of their weighted sum if it needs no search to be computed."""
    measured = measuring.measure([rollout], "list")
    if len(measured) == 1 or measuring.composition.needs_start:
        return measured
    return ((WEIGHTED, measuring.measure_fitness([rollout], measured, {}, "list")), *measured)


def answer_reference(context: Context, experiment: Experiment, measuring: Evaluator, engine: Inference) -> Evaluator:
    """Return the evaluator with the takers' scores on the reference set, if there is one. Raises BadInputError."""
    if experiment.reference is None:
        return measuring
    items = search_setup.load_pinned_items(context.store, experiment.reference)
    answered = reference_set.answer_items(measuring, engine, items, experiment.reference)
    return replace(measuring, reference=reference_set.summarize_scores(answered))
