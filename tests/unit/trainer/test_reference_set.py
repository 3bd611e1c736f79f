"""The takers answer the reference set once; an outage stores nothing, and nothing else takes the place of an answer."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import swarmrun_documents as documents
from scripted_engine import Scripted

from swarm_core.api import loading, resolution
from swarm_core.composition import Single
from swarm_core.errors import BadInputError
from swarm_core.experiment import Experiment, PinnedTaker, SeedData
from swarm_core.gates.gate_context import GateContext
from swarm_core.gates.registry import GateChoice, build_gates
from swarm_core.item_index import ItemIndex
from swarm_core.items import Item, build_items
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.objectives.novelty import Novelty
from swarm_core.objectives.objective import ReferenceScores
from swarm_core.objectives.scores import UnscoredReason
from swarm_core.ports import Completion, CorruptError, InferenceError, Request, RequestFailure
from swarm_core.programs import search_settings
from swarm_core.recipe import digest_bytes
from swarm_core.rollout import Rollout
from swarm_trainer.evaluation import evaluator, reference_set, search_setup
from swarm_trainer.evaluation.evaluator import Evaluator
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.runtime.context import Context
from swarm_trainer.runtime.search_space import SearchSpace
from swarm_trainer.steps import part_inputs
from swarm_trainer.stores.local import LocalStore

BASE, FIRST, SECOND = (digest_bytes(name.encode()) for name in ("base", "one", "two"))
SUMS = SeedData((build_items(f"{n}+1" for n in range(10)),), ())
Answers = Callable[[str], Completion | RequestFailure]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def made(store: LocalStore, data: SeedData = SUMS) -> SearchSetup:
    document = documents.patched({"spec.generators.adapters": ["a", "b"], "spec.objective.type": "Novelty"})
    resolved = resolution.resolve_run(loading.parse_object(document, "run.yaml"))
    takers = (PinnedTaker("bare", BASE), PinnedTaker("tuned", BASE, FIRST))
    experiment = Experiment(BASE, BASE, takers, BASE, (FIRST, SECOND), reference=store.put(data.to_bytes()))
    return SearchSetup(
        resolved=resolved,
        manifest=BASE,
        experiment=experiment,
        plan=search_settings.build_plan(resolved),
        space=SearchSpace(BASE, (FIRST, SECOND), resolved.base.dtype),
        evaluator=Evaluator(
            evaluator.build_examination(resolved, experiment, SUMS), (("Novelty", Novelty()),), Single("Novelty"), 0.9
        ),
    )


def engine(setup: SearchSetup, bare: Answers) -> Scripted:
    """An engine whose tuned taker is right, and whose other taker answers as `bare` says."""
    models = dict(setup.evaluator.examination.takers)

    def script(request: Request) -> Completion | RequestFailure:
        (item,) = [one.text for one in SUMS.example_items if one.text in request.prompt]
        return bare(item) if request.model == models["bare"] else Completion(str(eval(item)), 1, True)

    return Scripted(script)


def wrong(item: str) -> Completion:
    return Completion("-5", 1, True)


def test_the_takers_answer_once_and_the_stored_answers_count(store: LocalStore) -> None:
    setup = made(store)
    assert reference_set.attach(store, setup).evaluator.reference is None
    asked = engine(setup, wrong)
    done = reference_set.answer(store, setup, asked)
    assert done.evaluator.reference == ReferenceScores({"bare": 0.0, "tuned": 1.0}, {"bare": 10, "tuned": 10})
    assert len(asked.asked) == 20
    again = reference_set.answer(store, reference_set.attach(store, setup), Scripted(lambda _: pytest.fail("asked")))
    assert (again.evaluator.reference, again.reference) == (done.evaluator.reference, done.reference)
    later = reference_set.answer(store, setup, engine(setup, lambda item: Completion(str(eval(item)), 1, True)))
    assert later.reference == done.reference, "the first write wins"


def test_an_outage_stores_nothing(store: LocalStore) -> None:
    setup = made(store)
    with pytest.raises(InferenceError, match="connection refused"):
        reference_set.answer(store, setup, engine(setup, lambda _: RequestFailure("connection refused")))
    assert store.read(reference_set.KEY) is None


def test_too_few_scores_are_no_reference(store: LocalStore) -> None:
    setup = made(store)
    refused = RequestFailure("flagged", UnscoredReason.REFUSED)
    with pytest.raises(BadInputError, match=r"spec\.objective\.reference: taker bare: 0 of 10 answers are scored"):
        reference_set.answer(store, setup, engine(setup, lambda _: refused))
    assert store.read(reference_set.KEY) is None


def test_answers_to_other_items_are_refused(store: LocalStore) -> None:
    setup = made(store)
    reference_set.answer(store, setup, engine(setup, wrong))
    other = made(store, SeedData((build_items(["7+7"]),), ()))
    with pytest.raises(CorruptError, match="answers other items than the run pinned"):
        reference_set.attach(store, other)


def test_a_run_without_a_reference_set_asks_nobody(store: LocalStore) -> None:
    setup = made(store)
    plain = replace(setup, experiment=replace(setup.experiment, reference=None))
    assert reference_set.answer(store, plain, Scripted(lambda _: pytest.fail("asked"))) is plain


def context(store: LocalStore, folder: Path, reference: dict[str, object]) -> Context:
    document = documents.patched({"spec.objective": {"type": "Novelty", "reference": reference}})
    resolved = resolution.resolve_run(loading.parse_object(document, "run.yaml"))
    return Context(resolved, store, folder / "cache", folder, lambda _: None)


def test_no_generator_may_write_an_item_of_the_reference_set(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "benchmark.jsonl").write_text("".join(f'{{"text": "{n}+5"}}\n' for n in range(9)))
    given = context(store, tmp_path, {"uri": "benchmark.jsonl"})
    seeds = SeedData((build_items(["1+1"]),), build_items(["2+2"]))
    pinned, reference = store.put(seeds.to_bytes()), part_inputs.pin_reference(given, seeds)
    experiment = Experiment(BASE, BASE, (), pinned, reference=reference)
    held_out = ItemIndex(search_setup.list_held_out(given, experiment))
    (gate,) = build_gates([GateChoice("HeldOut")], GateContext(ArithmeticJudge(), held_out=held_out))
    assert [gate.refusal(Item(text), ()) is not None for text in ("2+2", "7 + 5 =", "7+6", "1+1")] == [
        True,
        True,
        False,
        False,
    ]


def test_the_held_out_items_that_the_judge_can_judge_are_the_reference_set(store: LocalStore, tmp_path: Path) -> None:
    held_out = SeedData((), build_items([*(f"{n}+2" for n in range(20)), "who?"]))
    digest = part_inputs.pin_reference(context(store, tmp_path, {"items": 9}), held_out)
    assert digest is not None
    items = SeedData.from_bytes(store.get(digest).read_bytes()).example_items
    assert len(set(items)) == 9
    assert set(items) < set(held_out.held_out[:20])
    with pytest.raises(BadInputError, match=r"spec\.objective\.reference: 7 of 8 items can be judged, and .* needs 8"):
        part_inputs.pin_reference(context(store, tmp_path, {}), SeedData((), held_out.held_out[-8:]))


def test_a_file_of_its_own_may_be_the_reference_set(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "own.jsonl").write_text("".join(f'{{"text": "{n}*3"}}\n' for n in range(12)))
    digest = part_inputs.pin_reference(context(store, tmp_path, {"uri": "own.jsonl"}), SUMS)
    assert digest is not None
    items = SeedData.from_bytes(store.get(digest).read_bytes()).example_items
    assert {item.text for item in items} == {f"{n}*3" for n in range(12)}


def test_answers_survive_as_a_rollout(store: LocalStore) -> None:
    setup = made(store)
    reference_set.answer(store, setup, engine(setup, wrong))
    stored = Rollout.from_bytes(store.read(reference_set.KEY) or b"")
    assert (stored.model, stored.takers, stored.asked) == (setup.experiment.reference, ("bare", "tuned"), 10)
