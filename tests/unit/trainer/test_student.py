"""Students: what they are trained on, at equal tokens and steps, and what their comparison says."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import rival_world
import swarmrun_documents as documents

from swarm_core.api import loading, resolution
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.api.student import Student
from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.work import Receipt
from swarm_core.errors import BadInputError
from swarm_core.items import Item, build_items
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.objectives.objective import Measurement
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason
from swarm_core.objectives.verdict import Verdict
from swarm_core.recipe import digest_bytes
from swarm_core.rollout import Unmeasured
from swarm_core.text.prompts import PromptStyle, Wording
from swarm_trainer.evaluation import run_parts, student_comparison, student_data
from swarm_trainer.evaluation.student_comparison import Scores
from swarm_trainer.evaluation.student_data import StudentData
from swarm_trainer.lora import training
from swarm_trainer.maintenance import replay
from swarm_trainer.report.student_report import StudentDifference, StudentReport, TrainedStudents
from swarm_trainer.run_store import receipt_store, student_receipts
from swarm_trainer.run_store.student_receipts import TrainingData
from swarm_trainer.steps import student_inputs
from swarm_trainer.steps.student import StudentEvaluation
from swarm_trainer.stores.local import LocalStore

WORDING = Wording(PromptStyle.PLAIN, "arithmetic")
MISSING = Unscored(UnscoredReason.CUT_OFF, "")


def resolve(**patch: Any) -> ResolvedSpec:
    document = documents.patched({"spec.evaluation.student": {}, **patch})
    return resolution.resolve_run(loading.parse_object(document, "run.yaml"))


def test_copies_test_items_and_items_without_an_answer_are_left_out_and_counted() -> None:
    items = build_items(["1+2", "1 + 2", "3*4", "5-7", "who?"])
    found = student_data.build_student_data(items, build_items(["3 * 4"]), ArithmeticJudge(), WORDING)
    assert (found.distinct, found.in_test, found.unanswered) == (4, 1, 1)
    assert [completion.strip() for _, completion in found.pairs] == ["3", "-2"]
    assert all(text in prompt for text, (prompt, _) in zip(("1+2", "5-7"), found.pairs, strict=True))


def test_the_reference_of_an_item_is_its_answer_where_the_judge_computes_none() -> None:
    assert student_data.find_answer(Item("who?", reference="Ada"), ArithmeticJudge()) == "Ada"
    assert student_data.find_answer(Item("1+1", reference="3"), ArithmeticJudge()) == "2"


def data_of(*sizes: int) -> StudentData:
    return StudentData(tuple((str(number), "x" * size) for number, size in enumerate(sizes)), len(sizes), 0, 0)


def count(pairs: Sequence[tuple[str, str]]) -> list[int]:
    return [len(completion) for _, completion in pairs]


def test_every_data_set_is_cut_to_the_tokens_of_the_smallest_but_for_less_than_one_pair() -> None:
    cut = student_data.cut_to_equal_tokens({"small": data_of(3, 4, 5), "large": data_of(*[5] * 40)}, count, 7)
    assert (cut["small"].tokens, len(cut["small"].pairs)) == (12, 3)
    assert (cut["large"].tokens, len(cut["large"].pairs)) == (10, 2)
    assert cut == student_data.cut_to_equal_tokens({"small": data_of(3, 4, 5), "large": data_of(*[5] * 40)}, count, 7)


def test_pairs_without_tokens_are_not_trained_on() -> None:
    cut = student_data.cut_to_equal_tokens({"a": data_of(0, 4, 0, 4), "b": data_of(4, 4)}, count, 0)
    assert [len(one.pairs) for one in cut.values()] == [2, 2]


@pytest.mark.parametrize("pairs", [47, 50])
def test_the_steps_of_an_epoch_are_as_many_whatever_the_number_of_pairs(pairs: int) -> None:
    settings = training.TrainingSettings(
        rank=1, alpha=1, target_modules=("q",), epochs=2, learning_rate=1.0, warmup_ratio=0.0, max_length=8,
        batch_size=8, gradient_accumulation=1, gradient_checkpointing=False, chat=False, steps_per_epoch=6,
    )  # fmt: skip
    batches = list(training._split_batches(pairs, settings, 3))
    assert len(batches) == 12
    assert sorted(index for batch in batches[:6] for index in batch) == list(range(pairs))
    assert max(map(len, batches)) - min(map(len, batches)) <= 1


def rows(*scores: Sequence[Score]) -> Scores:
    return Scores(tuple(map(tuple, scores)))


def test_an_accuracy_is_the_mean_over_items_and_seeds() -> None:
    items = build_items([f"1+{number}" for number in range(4)])
    found = student_comparison.measure_accuracy(rows([1, 1, 0, 0], [1, 0, 0, 0]), items, 0.95)
    assert isinstance(found, Measurement)
    assert (found.value, found.n) == (0.375, 4)
    assert found.low < 0.375 < found.high
    assert rows([1, 1, 0, 0], [1, 0, 0, MISSING]).by_seed() == (0.5, pytest.approx(1 / 3))
    assert isinstance(
        student_comparison.measure_accuracy(rows([1, 1, 0, MISSING], [1, 1, 1, MISSING]), items, 1.0), Unmeasured
    )


def test_a_difference_is_paired_by_item_and_stated_by_seed() -> None:
    ours, theirs = [[1] * 20, [1] * 19 + [0]], [[1] * 10 + [0] * 10, [1] * 12 + [0] * 8]
    found = student_comparison.compare({"a": rows(*ours), "b": rows(*theirs)}, "a", "b", 0.95, 0)
    assert isinstance(found.difference, Measurement)
    assert found.difference.value == pytest.approx((0.5 + 0.35) / 2)
    assert found.by_seed == (pytest.approx(0.5), pytest.approx(0.35))
    assert found.verdict is Verdict.GAIN


def test_a_training_seed_of_the_other_sign_leaves_a_difference_unresolved() -> None:
    gain = Measurement(0.2, 0.1, 0.3, 20)
    assert StudentDifference("a", "b", gain, (0.4, 0.3, 0.1)).verdict is Verdict.GAIN
    assert StudentDifference("a", "b", gain, (0.4, 0.3, -0.1)).verdict is Verdict.NOT_RESOLVED
    assert StudentDifference("a", "b", Unmeasured("x"), ()).verdict is Verdict.NOT_RESOLVED


def test_the_report_states_pairs_tokens_steps_and_what_is_left_out() -> None:
    value = Measurement(0.5, 0.4, 0.6, 20)
    student = TrainedStudents("found", 120, 3, 2, 90, 1234, 24, value, (0.4, 0.6))
    difference = StudentDifference("found", "seed", value, (0.4, 0.6))
    report = StudentReport(20, value, (student,), (difference,))
    text = "\n".join(report.format_lines())
    for part in ("20 test items", "1,234", "24", "0.400 to 0.600", "3 that the test set has", "a gain"):
        assert part in text
    assert max(map(len, text.splitlines())) < 80
    fields = report.to_json()
    assert isinstance(fields, dict)
    assert (fields["testItems"], len(fields["students"])) == (20, 1)
    nothing = StudentReport(20, Unmeasured("x"), (), (), "no training pair is left of the data seed")
    assert nothing.to_json() == {"unmeasured": "no training pair is left of the data seed"}
    assert "not trained" in "\n".join(nothing.format_lines())


def test_students_are_stored_once_and_belong_to_the_run(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    first, second = (
        Receipt(student_receipts.name_student(TrainingData.SEED, 0), {Output.ADAPTER: digest_bytes(name)}, {"steps": 1})
        for name in (b"a", b"b")
    )
    assert receipt_store.publish(store, first) == first
    assert receipt_store.publish(store, second) == first
    assert list(replay.list_receipts(store)) == [first]


def test_a_training_that_fails_leaves_the_result_without_students(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(*_: Any) -> Receipt:
        raise BadInputError("learningRate 1: the loss is nan at step 3; lower it")

    monkeypatch.setattr(StudentEvaluation, "train", diverge)
    monkeypatch.setattr(StudentEvaluation, "build_data", lambda *_: {name: data_of(3, 4) for name in TrainingData})
    world = rival_world.make_context(tmp_path, rival_world.SumWriter(), {"type": "UniformSoup"})
    report = StudentEvaluation(world.item, world.context, world.setup, Student(), build_items(["1+1"])).evaluate(
        world.found
    )
    assert report.to_json() == {
        "unmeasured": "a student cannot be trained: learningRate 1: the loss is nan at step 3; lower it"
    }


def test_a_judge_without_right_answers_needs_generators_that_write_them() -> None:
    exact, seeds = resolve(**{"spec.judge": documents.EXACT}), (Item("2+2", reference="4"),)
    with pytest.raises(BadInputError, match=r"spec\.evaluation\.student: .* computes no right answers"):
        student_inputs.check_answers(exact, run_parts.build_judge(exact), seeds)
    written = resolve(**{"spec.judge": documents.EXACT, "spec.generation.format": "QuestionsAndAnswers"})
    student_inputs.check_answers(written, run_parts.build_judge(written), seeds)
    student_inputs.check_answers(resolve(), ArithmeticJudge(), seeds)


def test_servers_of_vllm_leave_no_room_for_a_training() -> None:
    with pytest.raises(BadInputError, match=r"spec\.evaluation\.student: .* is VLLM"):
        student_inputs.check(resolve(**{"spec.execution.local.inference": "VLLM"}))
