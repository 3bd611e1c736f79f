"""The last measurements: who cannot be measured is passed over and named; only where nobody can is there no verdict."""

import json
from collections.abc import Sequence, Set
from dataclasses import replace
from pathlib import Path

import pytest
import swarmrun_documents as documents
from scripted_engine import Scripted

from swarm_core.api import loading, resolution
from swarm_core.composition import Single
from swarm_core.engine.work import Kind, WorkItem
from swarm_core.experiment import Experiment, PinnedTaker, SeedData
from swarm_core.items import build_items
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.scores import UnscoredReason
from swarm_core.optimizers import optimization
from swarm_core.optimizers.estimates import Estimate
from swarm_core.optimizers.positions import Position
from swarm_core.ports import Completion, Request, RequestFailure, StoreError
from swarm_core.programs import search_settings
from swarm_core.recipe import digest_bytes
from swarm_trainer.evaluation import evaluator
from swarm_trainer.evaluation.evaluator import Evaluator
from swarm_trainer.evaluation.final_evaluation import FinalCandidate, FinalEvaluation
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.report import result, summary
from swarm_trainer.report.search_result import SearchResult
from swarm_trainer.runtime.context import Context
from swarm_trainer.runtime.search_space import SearchSpace
from swarm_trainer.stores.local import LocalStore

BASE, FIRST, SECOND, HELD = (digest_bytes(name.encode()) for name in ("base", "one", "two", "data"))
CORNERS: tuple[Position, ...] = ((1.0, 0.0), (0.0, 1.0))
DIFFICULTY = {(1.0, 0.0): 0.2, (0.0, 1.0): 0.4, (0.5, 0.5): 0.6, (2.0, -1.0): 0.9, (-1.0, 2.0): 0.8}
"""The share of its items that the taker gets wrong, by position."""
BEYOND = tuple(position for position in DIFFICULTY if position not in CORNERS)
ITEMS = 10


def made() -> SearchSetup:
    """A search over two given adapters, with one taker, ten items in the choice and ten in the final evaluation."""
    document = documents.patched(
        {
            "spec.generators.adapters": ["a", "b"],
            "spec.takers": [{"name": "taker", "adapter": "t"}],
            "spec.generation": {"shots": 1},
            "spec.evaluation": {"items": ITEMS, "finalists": 4, "reserve": 0.01, "final": {"items": ITEMS, "seeds": 1}},
        }
    )
    resolved = resolution.resolve_run(loading.parse_object(document, "run.yaml"))
    experiment = Experiment(BASE, BASE, (PinnedTaker("taker", BASE, HELD),), HELD, (FIRST, SECOND))
    return SearchSetup(
        resolved=resolved,
        manifest=BASE,
        experiment=experiment,
        plan=search_settings.build_plan(resolved),
        space=SearchSpace(BASE, (FIRST, SECOND), resolved.base.dtype),
        evaluator=Evaluator(
            evaluator.build_examination(resolved, experiment, SeedData((build_items(["100+1", "100+2"]),), ())),
            (("Difficulty", Difficulty()),),
            Single("Difficulty"),
            resolved.evaluation.coverage,
        ),
    )


def court(folder: Path, silent: Set[tuple[str, Position]]) -> FinalEvaluation:
    """A court whose generators are as hard as `DIFFICULTY` says; the taker is silent at the (place, position) named."""
    ready = made()
    names = {ready.space.recipe(position).name: position for position in DIFFICULTY}
    written: dict[str, tuple[Position, int]] = {}

    def answered(item: str) -> Completion | RequestFailure:
        position, number = written[item]
        if ("choice" if number < ITEMS else "final", position) in silent:
            return RequestFailure("flagged", UnscoredReason.REFUSED)
        wrong = number % ITEMS < round(ITEMS * DIFFICULTY[position])
        return Completion("0" if wrong else str(eval(item)), 1, True)

    def script(request: Request) -> Completion | RequestFailure:
        if request.model in names:
            position = names[request.model]
            number = sum(1 for other, _ in written.values() if other == position)
            item = f"{10 + list(DIFFICULTY).index(position)}+{10 + number}"
            written[item] = position, number
            return Completion(f"- {item}\n", 1, True)
        (item,) = (text for text in written if text in request.prompt)
        return answered(item)

    context = Context(ready.resolved, LocalStore(folder), folder / "cache", folder, lambda _: None)
    context.engines[ready.manifest] = [Scripted(script)]
    return FinalEvaluation(WorkItem(Kind.CONCLUDE), context, ready)


def judged(
    folder: Path, silent: Set[tuple[str, Position]], positions: Sequence[Position] = tuple(DIFFICULTY)
) -> SearchResult:
    """The verdict of a search whose finalists are at `positions`."""
    last = court(folder, silent)
    finalists = [Estimate(f"p{n:02d}", position, 0.5, 1, 1) for n, position in enumerate(positions)]
    return last.evaluate(last.rank_finalists(finalists), optimization.start(last.setup.plan), ())


def test_the_best_of_the_choice_is_the_verdict(tmp_path: Path) -> None:
    found = judged(tmp_path, frozenset())
    assert (found.best.position, found.best.fresh.value, found.passed_over) == ((2.0, -1.0), 0.9, ())
    assert found.initial.position == (0.0, 1.0)
    assert found.gain.value == pytest.approx(0.5)


def test_who_is_silent_in_the_choice_is_not_ranked(tmp_path: Path) -> None:
    found = judged(tmp_path, {("choice", (2.0, -1.0))})
    assert (found.best.position, found.passed_over) == ((-1.0, 2.0), ())


def test_who_cannot_be_measured_on_final_items_is_passed_over_and_named(tmp_path: Path) -> None:
    found = judged(tmp_path, {("final", (2.0, -1.0)), ("final", (-1.0, 2.0))})
    assert (found.best.position, found.best.fresh.value, found.passed_over) == ((0.5, 0.5), 0.6, ("p03", "p04"))
    assert found.gain.value == pytest.approx(0.2)
    assert "ranked higher, but too many fresh answers have no score: p03, p04" in summary.render(found, "toy")


def test_however_many_are_passed_over_the_summary_keeps_within_its_columns(tmp_path: Path) -> None:
    many = tuple(f"p{index:02d}-0010" for index in range(8))
    lines = list(summary.format_passed_over(replace(judged(tmp_path, frozenset()), passed_over=many)))
    assert all(len(line) < 80 for line in lines)
    assert all(name in " ".join(lines) for name in many)


def test_an_initial_generator_may_be_what_is_left_and_gains_nothing_on_itself(tmp_path: Path) -> None:
    found = judged(tmp_path, {("final", position) for position in BEYOND})
    assert (found.best, found.gain.value, len(found.passed_over)) == (found.initial, 0.0, 3)


def test_an_initial_generator_that_cannot_be_measured_is_no_baseline(tmp_path: Path) -> None:
    found = judged(tmp_path, {("final", (0.0, 1.0))})
    assert [one.position for one in found.initials] == [(1.0, 0.0)]
    assert found.gain.value == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("who", "place", "silent"),
    [
        ("finalist", "choice", BEYOND),
        ("finalist", "final", BEYOND),
        ("initial generator", "final", CORNERS),
    ],
    ids=["nobody in the choice", "nobody on final items", "no initial one"],
)
def test_where_nobody_can_be_measured_the_error_says_why_and_what_to_do(
    tmp_path: Path, who: str, place: str, silent: tuple[Position, ...]
) -> None:
    told = rf"no {who} could be measured at {place}/ \(.*0 of 10 answers are scored.*spec\.evaluation\.coverage"
    with pytest.raises(StoreError, match=told):
        judged(tmp_path, {(place, position) for position in silent}, BEYOND if who == "finalist" else tuple(DIFFICULTY))


def test_the_error_of_many_tells_three(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"p00: .*; p01: .*; p02: .*; and 2 more\)"):
        judged(tmp_path, {("choice", position) for position in DIFFICULTY})


def test_a_result_names_who_was_passed_over_and_else_is_the_text_it_was(tmp_path: Path) -> None:
    origin = result.Provenance(made().experiment, 1, BASE)
    plain = json.loads(result.serialize(judged(tmp_path / "plain", frozenset()), origin))
    passed_over = json.loads(result.serialize(judged(tmp_path / "passed", {("final", (2.0, -1.0))}), origin))
    assert "passedOver" not in plain
    assert passed_over["passedOver"] == ["p03"]


def test_an_entrant_is_measured_on_final_items_once(tmp_path: Path) -> None:
    last = court(tmp_path, frozenset())
    last.evaluate([FinalCandidate("p00", CORNERS[0], 0.5)], optimization.start(last.setup.plan), ())
    engine = last.context.engines[last.setup.manifest][0]
    assert isinstance(engine, Scripted)
    generators = [request for request in engine.asked if request.model == last.setup.space.recipe(CORNERS[0]).name]
    assert len(generators) == ITEMS
