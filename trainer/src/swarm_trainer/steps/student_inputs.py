"""Checks that a run can train a student, and pins the items that students are compared on."""

from collections.abc import Sequence
from dataclasses import replace

from swarm_core import streams
from swarm_core.api.execution import InferenceType
from swarm_core.api.resolution import STUDENT_TEST_FIELD, ResolvedSpec
from swarm_core.errors import BadInputError
from swarm_core.experiment import SeedData
from swarm_core.items import Item
from swarm_core.ports import Judge, Solver
from swarm_core.recipe import Digest
from swarm_core.text.item_formats import ItemFormat
from swarm_trainer.evaluation import run_parts
from swarm_trainer.lora import base_checks
from swarm_trainer.lora.lora_layers import LoraSize
from swarm_trainer.runtime import model_folders
from swarm_trainer.runtime.context import Context
from swarm_trainer.runtime.engines import INFERENCE_FIELD
from swarm_trainer.steps import part_inputs

FIELD = "spec.evaluation.student"
MIN_ITEMS = 8
"""The least number of test items. An accuracy over fewer says nothing."""


def check(resolved: ResolvedSpec) -> None:
    """Check that the engine of the run leaves room for a training. Raises BadInputError."""
    if resolved.evaluation.student is not None and resolved.execution.local.inference is InferenceType.VLLM:
        raise BadInputError(
            f"{FIELD}: {INFERENCE_FIELD} is VLLM, whose servers hold the accelerators that a training needs; write"
            " Local, or remove student"
        )


def check_answers(resolved: ResolvedSpec, judge: Judge, seeds: Sequence[Item]) -> None:
    """Check that generated items can have right answers: written ones, or such as `judge` computes for seed items.

    Raises BadInputError.
    """
    if resolved.generation.format is not ItemFormat.QUESTIONS:
        return
    bare = (replace(item, reference=None) for item in seeds)
    if not isinstance(judge, Solver) or all(judge.solution(item) is None for item in bare):
        raise BadInputError(
            f"{FIELD}: spec.judge computes no right answers and generators write none, so there is nothing to train a"
            " student on; choose a verifier that solves items, such as Arithmetic, or let generators write answers"
            " (spec.generation.format)"
        )


def pin_test_items(context: Context, seed_data: SeedData) -> Digest | None:
    """Store the items that students are compared on; return their digest, or None without a student.

    Raises BadInputError if the judge can judge too few, or if the base has no layers to adapt, StoreError.
    """
    student = context.resolved.evaluation.student
    if student is None:
        return None
    block = student.training
    base_checks.check_targets(
        model_folders.locate_base(context), LoraSize(block.rank, block.alpha, block.target_modules)
    )
    judge = run_parts.build_judge(context.resolved)
    check_answers(context.resolved, judge, seed_data.example_items)
    found = (
        seed_data.held_out
        if student.test is None
        else part_inputs.read_items(context, student.test, STUDENT_TEST_FIELD)
    )
    items = tuple(item for item in found if judge.refusal(item) is None)
    if len(items) < MIN_ITEMS:
        raise BadInputError(
            f"{FIELD}: {len(items)} of {len(found)} test items can be judged, and a comparison needs {MIN_ITEMS}; give"
            f" more in {STUDENT_TEST_FIELD}, or raise spec.generators.data.heldOut"
        )
    drawn = sorted(streams.sample(context.resolved.seed, len(items), min(student.items, len(items)), "student test"))
    return context.store.put(SeedData((tuple(items[index] for index in drawn),), ()).to_bytes())
