"""Transfer to unseen takers: they answer the final items once, and what they miss is said and never a number."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import swarmrun_documents as documents
from scripted_engine import Scripted

from swarm_core import commit
from swarm_core.api import loading, resolution
from swarm_core.commit import Commit
from swarm_core.composition import Single
from swarm_core.engine.work import Kind, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.experiment import Experiment, PinnedTaker, SeedData
from swarm_core.items import build_items
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.novelty import Novelty
from swarm_core.objectives.objective import Measurement, ReferenceScores
from swarm_core.objectives.scores import UnscoredReason
from swarm_core.optimizers import optimization
from swarm_core.optimizers.estimates import Estimate
from swarm_core.optimizers.positions import Position
from swarm_core.ports import Completion, CorruptError, Request, RequestFailure
from swarm_core.programs import search_settings
from swarm_core.recipe import digest_bytes
from swarm_core.rollout import Rollout, Unmeasured
from swarm_trainer.evaluation import evaluator, transfer, unseen_answers
from swarm_trainer.evaluation.evaluator import Evaluator
from swarm_trainer.evaluation.final_evaluation import FinalEvaluation
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.report import summary, transfer_report
from swarm_trainer.report.search_result import SearchResult
from swarm_trainer.report.transfer_report import Transfer
from swarm_trainer.runtime.context import Context
from swarm_trainer.runtime.search_space import SearchSpace
from swarm_trainer.steps import prepare
from swarm_trainer.stores.local import LocalStore

BASE, FIRST, SECOND, SEEN, STRONG, WEAK, HELD = (digest_bytes(name.encode()) for name in "abcdefg")
FOUND: Position = (2.0, -1.0)
SHARES: Mapping[str, Mapping[Position, float]] = {
    "taker": {(1.0, 0.0): 0.2, (0.0, 1.0): 0.4, FOUND: 0.9},
    "strong": {(1.0, 0.0): 0.1, (0.0, 1.0): 0.2, FOUND: 0.6},
    "weak": {(1.0, 0.0): 0.5, (0.0, 1.0): 0.7, FOUND: 0.7},
}
"""The share of the items of each generator that each taker gets wrong."""
ITEMS = 40
COMMITS = (Commit(BASE, 0, BASE, (FIRST, SECOND), "", (), kind="SwarmRun"),)
"""A search whose first iteration has no candidate, which the objective does not need."""


@dataclass
class Desk:
    """A search whose last measurements are due, and the engine that answers them."""

    folder: Path
    silent: set[str] = field(default_factory=set)
    """The takers that refuse every item."""
    written: dict[str, tuple[Position, int]] = field(default_factory=dict)
    """The position that wrote each item, and its number."""

    def __post_init__(self) -> None:
        self.setup = build_setup()
        space, experiment = self.setup.space, self.setup.experiment
        self.generators = {space.recipe(position).name: position for position in SHARES["taker"]}
        dtype = self.setup.resolved.base.dtype
        models = (*experiment.taker_models(dtype), *experiment.unseen_models(dtype))
        self.takers = {model: name for name, model in models}
        self.engine = Scripted(self.answer)
        self.context = Context(
            self.setup.resolved, LocalStore(self.folder), self.folder / "cache", self.folder, lambda _: None
        )
        self.context.engines[self.setup.manifest] = [self.engine]

    def answer(self, request: Request) -> Completion | RequestFailure:
        if request.model in self.generators:
            return self.write(self.generators[request.model])
        name = self.takers[request.model]
        if name in self.silent:
            return RequestFailure("flagged", UnscoredReason.REFUSED)
        (item,) = (text for text in self.written if text in request.prompt)
        position, number = self.written[item]
        wrong = number % ITEMS < round(ITEMS * SHARES[name][position])
        return Completion("0" if wrong else str(eval(item)), 1, True)

    def write(self, position: Position) -> Completion:
        number = sum(1 for other, _ in self.written.values() if other == position)
        item = f"{10 + list(SHARES['taker']).index(position)}+{10 + number}"
        self.written[item] = position, number
        return Completion(f"- {item}\n", 1, True)

    def evaluate(self, found: Position = FOUND) -> SearchResult:
        last = FinalEvaluation(WorkItem(Kind.CONCLUDE), self.context, self.setup)
        swarm = optimization.start(self.setup.plan)
        return last.evaluate(last.rank_finalists([Estimate("p00", found, 0.5, 1, 1)], swarm), swarm, ())

    def transfer(self, result: SearchResult) -> Transfer:
        found = transfer.measure_transfer(WorkItem(Kind.CONCLUDE), self.context, self.setup, COMMITS, result)
        assert found is not None
        return found


def build_setup() -> SearchSetup:
    """A search over two given adapters, with one taker and two unseen ones."""
    document = documents.patched(
        {
            "spec.generators.adapters": ["a", "b"],
            "spec.takers": [{"name": "taker", "adapter": "t"}],
            "spec.generation": {"shots": 1},
            "spec.evaluation": {
                "items": ITEMS,
                "finalists": 4,
                "reserve": 0.01,
                "final": {"items": ITEMS, "seeds": 1},
                "unseen": [{"name": "strong", "adapter": "s"}, {"name": "weak", "adapter": "w"}],
            },
        }
    )
    resolved = resolution.resolve_run(loading.parse_object(document, "run.yaml"))
    unseen = (PinnedTaker("strong", BASE, STRONG), PinnedTaker("weak", BASE, WEAK))
    taker = PinnedTaker("taker", BASE, SEEN)
    experiment = Experiment(BASE, BASE, (taker,), HELD, (FIRST, SECOND), unseen=unseen)
    examination = evaluator.build_examination(resolved, experiment, SeedData((build_items(["100+1", "100+2"]),), ()))
    return SearchSetup(
        resolved=resolved,
        manifest=BASE,
        experiment=experiment,
        plan=search_settings.build_plan(resolved),
        space=SearchSpace(BASE, (FIRST, SECOND), resolved.base.dtype),
        evaluator=Evaluator(examination, (("Difficulty", Difficulty()),), Single("Difficulty"), 0.95),
    )


def value(measured: Measurement | Unmeasured) -> float:
    assert isinstance(measured, Measurement), measured
    assert measured.low <= measured.value <= measured.high
    return measured.value


def test_unseen_takers_answer_the_final_items_and_give_the_values_computed_by_hand(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    result = desk.evaluate()
    written, found = dict(desk.written), desk.transfer(result)
    assert desk.written == written, "nothing is generated for unseen takers"
    # difficulty: 1 - the mean of the best taker, which is the strong one
    assert [(one.name, value(one.seen), value(one.unseen)) for one in found.generators] == [
        ("g00", pytest.approx(0.2), pytest.approx(0.1)),
        ("g01", pytest.approx(0.4), pytest.approx(0.2)),
        ("p00", pytest.approx(0.9), pytest.approx(0.6)),
    ]
    assert value(found.gain) == pytest.approx(0.4)
    assert [(one.name, value(one.best), value(one.initial), value(one.difference)) for one in found.takers] == [
        ("strong", pytest.approx(0.4), pytest.approx(0.8), pytest.approx(-0.4)),
        ("weak", pytest.approx(0.3), pytest.approx(0.3), pytest.approx(0.0)),
    ]
    assert (value(found.kendall), value(found.spearman)) == (pytest.approx(1.0), pytest.approx(1.0))


def test_answers_are_stored_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    result = desk.evaluate()
    first, asked = desk.transfer(result), len(desk.engine.asked)
    assert desk.transfer(result) == first
    assert len(desk.engine.asked) == asked


def test_answers_to_other_items_are_a_corrupt_store(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    result = desk.evaluate()
    other = replace(result.initials[0].rollouts[0], items=result.initials[0].rollouts[0].items[1:])
    desk.context.store.publish(commit.rollout_key("transfer/0", "g00"), other.to_bytes())
    with pytest.raises(CorruptError, match="transfer/0/g00 answers other items"):
        desk.transfer(result)


def test_a_taker_that_refuses_leaves_its_values_unmeasured_and_the_result_stands(tmp_path: Path) -> None:
    desk = Desk(tmp_path, silent={"weak"})
    result = desk.evaluate()
    found = desk.transfer(result)
    assert isinstance(found.gain, Unmeasured)
    assert "40 Refused" in found.gain.reason
    assert isinstance(found.kendall, Unmeasured)
    assert "g00" in found.kendall.reason
    strong, weak = found.takers
    assert value(strong.difference) == pytest.approx(-0.4)
    assert isinstance(weak.difference, Unmeasured)
    assert found.unscored == {"Refused": 3 * ITEMS}
    text = summary.render(replace(result, supplements=(found,)), "sums")
    assert "not measured" in text
    assert f"{3 * ITEMS} Refused" in text


def test_without_a_gain_there_is_exactly_none_with_unseen_takers(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    result = desk.evaluate(found=(0.0, 1.0))
    found = desk.transfer(result)
    assert (value(found.gain), [value(one.difference) for one in found.takers]) == (0.0, [0.0, 0.0])
    assert isinstance(found.kendall, Unmeasured)
    assert "2 generators" in found.kendall.reason
    assert "the best generator is the initial one" in summary.render(replace(result, supplements=(found,)), "sums")


def test_unseen_takers_answer_the_reference_set_of_the_objective(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    result = desk.evaluate()
    items = SeedData((build_items(["10+10", "10+11"]),), ())
    digest = desk.context.store.put(items.to_bytes())
    desk.setup = replace(
        desk.setup,
        experiment=replace(desk.setup.experiment, reference=digest),
        evaluator=replace(
            desk.setup.evaluator,
            objectives=(("Difficulty", Novelty()),),
            reference=ReferenceScores({"taker": 1.0}, {"taker": 2}),
        ),
    )
    found = desk.transfer(result)
    stored = desk.context.store.read(unseen_answers.REFERENCE_KEY)
    assert stored is not None
    assert Rollout.from_bytes(stored).takers == ("strong", "weak")
    assert isinstance(found.gain, Measurement)


def test_the_report_names_every_value(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    found = desk.transfer(desk.evaluate())
    fields = transfer_report.transfer_to_json(found)
    assert fields["gain"] == {
        "value": found.gain.value, "low": found.gain.low, "high": found.gain.high, "verdict": "Gain",
    }  # fmt: skip
    text = "\n".join(found.format_lines())
    for part in ("strong", "weak", "-0.400", "+0.400", "A gain:", "1.00"):
        assert part in text
    assert max(map(len, text.splitlines())) < 80


def test_a_run_without_unseen_takers_has_no_transfer(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.setup = replace(desk.setup, experiment=replace(desk.setup.experiment, unseen=None))
    result = desk.evaluate()
    assert transfer.measure_transfer(WorkItem(Kind.CONCLUDE), desk.context, desk.setup, COMMITS, result) is None


def test_a_copy_of_a_takers_files_is_not_unseen() -> None:
    known = PinnedTaker("known", BASE, SEEN)
    prepare.check_unseen(Experiment(BASE, BASE, (known,), BASE, unseen=(PinnedTaker("copy", HELD, SEEN),)))
    with pytest.raises(BadInputError, match=r"unseen\[0\]: copy has the same files as taker known"):
        prepare.check_unseen(Experiment(BASE, BASE, (known,), BASE, unseen=(PinnedTaker("copy", BASE, SEEN),)))
