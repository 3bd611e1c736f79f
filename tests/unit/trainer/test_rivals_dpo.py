"""DPO on the objective: which lists are paired, what each round spends, and that a kill changes nothing."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rival_world import BUDGET, FIRST, SumWriter, make_context

from swarm_core.api import parts
from swarm_core.engine.receipt_fields import Output
from swarm_core.engine.work import Receipt
from swarm_core.errors import BadInputError
from swarm_core.ports import InferenceError
from swarm_core.recipe import Digest, digest_bytes
from swarm_core.rivals.dpo import Dpo, DpoSettings
from swarm_trainer.evaluation.examine import Examination
from swarm_trainer.lora.preference_pairs import PreferencePair
from swarm_trainer.maintenance import replay
from swarm_trainer.report.rivals_report import UnmeasuredRival
from swarm_trainer.rivals import comparison, dpo
from swarm_trainer.rivals.rival_context import RivalContext, RivalError

TYPE = {"type": "Dpo"}
RIVAL = Dpo(DpoSettings(rounds=2, lists_per_prompt=3))
TRAINED = [digest_bytes(name.encode()) for name in ("after one round", "after two rounds")]
HARDNESS = {FIRST: 0.3, TRAINED[0]: 0.6, TRAINED[1]: 0.9}


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Digest, Sequence[PreferencePair]]]:
    """Every training that was carried out: its start and its pairs. Each brings the next adapter."""
    made: list[tuple[Digest, Sequence[PreferencePair]]] = []

    def train(_: Dpo, _context: RivalContext, key: str, start: Digest, pairs: Sequence[PreferencePair]) -> Receipt:
        made.append((start, pairs))
        return Receipt(key, {Output.ADAPTER: TRAINED[[FIRST, TRAINED[0]].index(start)]})

    monkeypatch.setattr(dpo, "train", train)
    return made


Trainings = list[tuple[Digest, Sequence[PreferencePair]]]


def test_each_round_trains_the_adapter_that_wrote_its_lists(tmp_path: Path, trainings: Trainings) -> None:
    engine = SumWriter(HARDNESS)
    context = make_context(tmp_path, engine, TYPE)
    data = dpo.carry_out(RIVAL, context)
    assert [start for start, _ in trainings] == [FIRST, TRAINED[0]]
    assert data.model == dpo.build_recipe(context, TRAINED[1]).name
    assert context.spent.fits_into(BUDGET)
    assert context.spent.items > 0.9 * BUDGET.items
    stored = sorted(path.parent.parent.name for path in tmp_path.rglob("rivals/Dpo/rounds/*/rollouts/*"))
    assert stored.count("00") == pytest.approx(stored.count("01"), abs=1)


def test_the_lists_of_a_pair_answer_one_prompt_and_the_better_one_is_hard(tmp_path: Path, trainings: Trainings) -> None:
    engine = SumWriter(HARDNESS)
    dpo.carry_out(RIVAL, make_context(tmp_path, engine, TYPE))
    texts: dict[str, set[str]] = {}
    for request in engine.asked_to_write():
        texts.setdefault(request.prompt, set()).add(engine.script(request).text)  # type: ignore[union-attr]
    pairs = [pair for _, pairs in trainings for pair in pairs]
    assert len(pairs) > 10
    for pair in pairs:
        assert {pair.chosen, pair.rejected} <= texts[pair.prompt]
        assert engine.hard[pair.chosen.removeprefix("1. ").strip()]
        assert not engine.hard[pair.rejected.removeprefix("1. ").strip()]
        assert pair.gap == pytest.approx(1.0)


def test_lists_in_a_row_show_the_same_examples_and_have_seeds_of_their_own(
    tmp_path: Path, trainings: Trainings
) -> None:
    engine = SumWriter(HARDNESS)
    context = make_context(tmp_path, engine, TYPE)
    engine.asked.clear()
    exam = replace(context.setup.examination, lists_per_prompt=3)
    context.measure(dpo.plan_batch(context, exam, (0, 0), dpo.build_recipe(context, FIRST))[:1])
    asked = engine.asked[:12]
    assert len({request.seed for request in asked}) == 12
    prompts = [request.prompt for request in asked]
    assert [prompts[place : place + 3] for place in range(0, 12, 3)] == [[one] * 3 for one in prompts[::3]]
    assert len(set(prompts)) > 1


@pytest.mark.parametrize("lasts", [0, 1, 3, 5])
def test_a_rival_that_was_killed_ends_in_the_same_data(tmp_path: Path, trainings: Trainings, lasts: int) -> None:
    def start(name: str, lasts: int = 10**9) -> RivalContext:
        return make_context(tmp_path / name, SumWriter(HARDNESS, lasts), TYPE)

    whole = start("whole")
    wanted = dpo.carry_out(RIVAL, whole)
    with pytest.raises(InferenceError):
        dpo.carry_out(RIVAL, start("killed", lasts))
    trained = len(trainings)
    resumed = start("killed")
    assert dpo.carry_out(RIVAL, resumed) == wanted
    assert resumed.spent == whole.spent
    assert len(trainings) == 4 if trained == 2 else trained
    dpo.carry_out(RIVAL, start("killed"))
    assert len(trainings) == 4, "what is stored is never trained again"


def test_without_a_pair_there_is_a_reason_and_no_data(tmp_path: Path, trainings: Trainings) -> None:
    with pytest.raises(RivalError, match=r"no two lists of one prompt differ by minimumGap 0\.1 in any of 2 rounds"):
        dpo.carry_out(RIVAL, make_context(tmp_path, SumWriter({FIRST: 0.0}), TYPE))
    assert trainings == []


def test_an_adapter_that_is_trained_after_a_round_without_pairs_belongs_to_the_run(
    tmp_path: Path, trainings: Trainings, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect = dpo.collect_pairs

    def collect_later(rival: Dpo, context: RivalContext, exam: Examination, number: int, writer: Digest) -> Any:
        found = collect(rival, context, exam, number, writer)
        return found if number else []

    monkeypatch.setattr(dpo, "collect_pairs", collect_later)
    context = make_context(tmp_path, SumWriter(HARDNESS), TYPE)
    dpo.carry_out(RIVAL, context)
    assert len(trainings) == 1
    receipts = replay.list_receipts(context.context.store)
    assert [one.outputs[Output.ADAPTER] for one in receipts] == [TRAINED[0]]


def test_a_training_that_fails_is_the_reason_of_the_rival_and_not_the_end_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(*_: Any) -> Receipt:
        raise BadInputError("learningRate 1: the loss is nan at step 3; lower it")

    monkeypatch.setattr(dpo, "train", diverge)
    context = make_context(tmp_path, SumWriter(HARDNESS), TYPE)
    (use,) = parts.list_rivals(context.setup.resolved)
    found = comparison.measure_rival(use, context)
    assert isinstance(found, UnmeasuredRival)
    assert found.reason.reason == ("its adapter cannot be trained: learningRate 1: the loss is nan at step 3; lower it")


def test_the_settings_of_the_spec_reach_the_training(
    tmp_path: Path, make_base: Callable[..., Path], make_adapter: Callable[..., Path]
) -> None:
    block = {"training": {"loss": "DpoNll", "dpoNll": {"weight": 0.5}, "beta": 0.2, "epochs": 3, "maxLength": 96}}
    rival = Dpo(DpoSettings.model_validate(block))
    context = make_context(tmp_path, SumWriter(), TYPE)
    found = dpo.build_settings(rival, context, make_adapter(make_base()))
    assert (found.beta, found.likelihood, found.margin) == (0.2, 0.5, 0.0)
    assert (found.training.rank, found.training.alpha) == (4, 8.0)
    assert (found.training.epochs, found.training.max_length, found.training.chat) == (3, 96, True)
