"""Rivals of a search: equal budget, one verdict, the same result after a kill, and reasons instead of failures."""

import inspect
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_type_hints

import pytest
import rival_world
import swarmrun_documents as documents
from rival_world import BASE, CORNERS, ITEMS, SEEDS, TAKER, SumWriter
from scripted_engine import Scripted

from swarm_core import catalog, plugins, streams
from swarm_core.api import parts
from swarm_core.engine.work import Kind, WorkItem
from swarm_core.errors import BadInputError
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.scores import UnscoredReason
from swarm_core.optimizers import optimization
from swarm_core.optimizers.positions import Position
from swarm_core.ports import Completion, InferenceError, Request, RequestFailure
from swarm_core.rivals.rival import SearchCost
from swarm_core.rollout import Rollout, Unmeasured
from swarm_trainer.evaluation.final_evaluation import FinalCandidate, FinalEvaluation, Ranking
from swarm_trainer.evaluation.search_setup import SearchSetup
from swarm_trainer.maintenance import fork
from swarm_trainer.programs.swarm_run import preview
from swarm_trainer.report import result, summary
from swarm_trainer.report.rivals_report import MeasuredRival, RivalsReport, UnmeasuredRival
from swarm_trainer.report.search_result import Interval
from swarm_trainer.rivals import comparison
from swarm_trainer.rivals.rival_context import FinalData, MeasurementRequest, RivalContext
from swarm_trainer.runtime.context import Context
from swarm_trainer.stores.local import LocalStore

BEST: Position = (2.0, -1.0)
PLENTY = SearchCost(10_000, 10_000, 100_000)


class World(SumWriter):
    """Generators that write sums, the harder the larger the first coefficient, and a taker that fails on hard ones."""

    def __init__(self, *, lucky: bool = False, silent: bool = False, lasts: int = 10**9) -> None:
        super().__init__(lasts=lasts)
        self.lucky, self.silent = lucky, silent

    def reply(self, request: Request) -> Completion | RequestFailure:
        recipe = self.recipes[request.model]
        if TAKER in recipe.basis:
            return self.answer(request)
        hardness = 0.3 + 0.2 * (recipe.groups[0].coefficients[0] if recipe.groups else 0.0)
        return self.write(request, hardness)

    def answer(self, request: Request) -> Completion | RequestFailure:
        if self.silent:
            return RequestFailure("flagged", UnscoredReason.REFUSED)
        (item,) = (item for item in self.hard if item in request.prompt)
        fails = streams.uniform(request.seed, "lucky") < 0.5 if self.lucky else self.hard[item]
        return Completion("0" if fails else str(sum(map(int, item.split("+")))), 1, True)


def load_setup(rival: documents.Document) -> SearchSetup:
    """The search of `rival_world` with a swarm of three particles."""
    swarm = {"particles": 3, "iterations": 2, "standard": {"scattered": 0}}
    return rival_world.load_setup(rival, {"spec.swarm": swarm, "spec.evaluation.items": 10})


def make_context(
    folder: Path, engine: Scripted, rival: documents.Document, searched: SearchCost = PLENTY
) -> RivalContext:
    """The context of one rival of a search that found `BEST`. Its choice cost half of what its iterations cost."""
    budget = searched + SearchCost(searched.items // 2, searched.answers // 2, searched.tokens // 2)
    setup = load_setup(rival)
    context = Context(setup.resolved, LocalStore(folder), folder / "cache", folder, lambda _: None)
    healthy = World()
    context.engines[setup.manifest] = [healthy]
    item = WorkItem(Kind.CONCLUDE)
    ranking = Ranking((FinalCandidate("p00", BEST, 0.5),), CORNERS)
    found = FinalEvaluation(item, context, setup).evaluate(ranking, optimization.start(setup.plan), ())
    context.engines[setup.manifest] = [engine]
    if isinstance(engine, World):
        engine.hard |= healthy.hard
    return RivalContext(rival["type"], item, context, setup, found, {}, budget, searched)


def measure(rival: RivalContext) -> MeasuredRival | UnmeasuredRival:
    (use,) = parts.list_rivals(rival.setup.resolved)
    return comparison.measure_rival(use, rival)


def carry_out(rival: RivalContext) -> FinalData:
    (use,) = parts.list_rivals(rival.setup.resolved)
    part = parts.build_spec_part(use)
    return comparison.load_carry_out(use, part)(part, rival)


def test_the_few_shot_base_and_the_soup_write_as_many_items_at_the_places_of_the_best(tmp_path: Path) -> None:
    for name in ("FewShotBase", "UniformSoup"):
        rival = make_context(tmp_path / name, World(), {"type": name})
        data = carry_out(rival)
        assert [len(one.items) for one in data.rollouts] == [len(one.items) for one in rival.found.best.rollouts]
        assert [one.requests for one in data.rollouts] == [one.requests for one in rival.found.best.rollouts]
        assert rival.spent == SearchCost()
    assert data.model == rival.setup.space.recipe((0.5, 0.5)).name


def test_the_difference_is_paired_and_exactly_nothing_to_the_same_data(tmp_path: Path) -> None:
    rival = make_context(tmp_path, World(), {"type": "UniformSoup"})
    best = rival.found.best
    same = comparison.judge_data(rival, FinalData(best.model, best.rollouts))
    assert isinstance(same, MeasuredRival)
    assert (same.fresh, same.gain) == (best.fresh, Interval(0.0, 0.0, 0.0))
    paired = rival.setup.evaluator.difference(best.rollouts, rival.found.initial.rollouts, Difficulty())
    initial = comparison.judge_data(rival, FinalData(rival.found.initial.model, rival.found.initial.rollouts))
    assert isinstance(initial, MeasuredRival)
    assert initial.gain == paired == rival.found.gain


def test_an_optimizer_stays_within_the_budget_and_makes_the_measurements_of_its_own_run(tmp_path: Path) -> None:
    rival = make_context(tmp_path, World(), {"type": "RandomSearch"}, SearchCost(90, 90, 1000))
    found = measure(rival)
    assert isinstance(found, MeasuredRival)
    assert found.cost.fits_into(rival.budget)
    assert found.cost.items > 100, "it uses what it may: 9 measurements of 10 items, and 2 finalists"
    assert rival.context.store.read("rivals/RandomSearch/choice/rollouts/g00.json.gz") is not None
    stored = rival.context.store.read("rivals/RandomSearch/iterations/0000/rollouts/g00.json.gz")
    assert stored is not None
    assert Rollout.from_bytes(stored).model == rival.setup.space.recipe(CORNERS[0]).name


def test_without_a_budget_for_a_choice_the_leader_of_the_search_writes(tmp_path: Path) -> None:
    rival = make_context(tmp_path, World(), {"type": "CmaEs"}, SearchCost(90, 90, 1000))
    rival.budget = rival.searched
    found = measure(rival)
    assert isinstance(found, MeasuredRival)
    assert rival.context.store.read("rivals/CmaEs/choice/rollouts/g00.json.gz") is None


@pytest.mark.parametrize("part", ["items", "answers", "tokens"])
def test_a_measurement_that_goes_over_any_part_of_the_budget_counts_for_nothing(tmp_path: Path, part: str) -> None:
    rival = make_context(tmp_path, World(), {"type": "RandomSearch"})
    wanted = [
        MeasurementRequest(f"c{number}", rival.setup.space.recipe(CORNERS[0]), ("iteration", number), "some", 10)
        for number in range(4)
    ]
    (one,) = rival.measure(wanted[:1])
    assert one is not None
    cost = SearchCost.sum([one])
    limits = {"items": cost.items * 3, "answers": cost.answers * 3, "tokens": cost.tokens * 3}
    limits |= {other: 10**6 for other in limits if other != part}
    results = rival.measure(wanted[1:], SearchCost(**limits))
    assert [result is not None for result in results] == [True, True, False]
    assert rival.spent == SearchCost(*(3 * value for value in (cost.items, cost.answers, cost.tokens)))


def test_a_measurement_whose_items_do_not_fit_is_not_requested(tmp_path: Path) -> None:
    engine = World()
    rival = make_context(tmp_path, engine, {"type": "RandomSearch"})
    wanted = MeasurementRequest("c0", rival.setup.space.recipe(CORNERS[0]), ("iteration", 0), "some", 10)
    assert rival.measure([wanted], SearchCost(9, 10**6, 10**6)) == [None]
    assert not engine.asked


def test_best_of_n_keeps_the_hard_items_of_the_best_initial_generator(tmp_path: Path) -> None:
    rival = make_context(tmp_path, World(), {"type": "BestOfN", "bestOfN": {"drafts": 5}})
    found = measure(rival)
    assert isinstance(found, MeasuredRival)
    assert (rival.found.initial.position, found.model) == (CORNERS[0], rival.found.initial.model)
    assert (found.fresh.value, found.fresh.n) == (1.0, ITEMS * SEEDS), "of 100 drafts, about 50 are hard"
    assert found.gain.value < 0
    assert found.cost == SearchCost(5 * ITEMS * SEEDS, 5 * ITEMS * SEEDS, 6 * 5 * ITEMS * SEEDS)


def test_the_first_drafts_have_the_places_of_the_final_items(tmp_path: Path) -> None:
    rival = make_context(tmp_path, World(), {"type": "BestOfN", "bestOfN": {"drafts": 2}})
    data = carry_out(rival)
    baseline = {one.text for rollout in rival.found.initial.rollouts for one in rollout.items}
    for rollout in data.rollouts:
        first = [one for one in rollout.items if rollout.requests[one.item.request].round < 2]
        assert {one.text for one in first} <= baseline
        assert sum(count.asked for count in rollout.requests) == rollout.asked == ITEMS
        places = [(count.round, count.number) for count in rollout.requests]
        assert len(set(places)) == len(places)


def test_lucky_answers_do_not_help_best_of_n(tmp_path: Path) -> None:
    """The taker fails at random, so of many drafts those are kept whose first answer was wrong. New answers are right
    half of the time again."""
    rival = make_context(tmp_path, World(lucky=True), {"type": "BestOfN", "bestOfN": {"drafts": 8}})
    found = measure(rival)
    assert isinstance(found, MeasuredRival)
    assert found.fresh.low < 0.5 < found.fresh.high
    assert found.fresh.value < 0.75


def test_best_of_n_without_the_budget_for_two_sets_has_a_reason_and_no_value(tmp_path: Path) -> None:
    rival = make_context(tmp_path, World(), {"type": "BestOfN"}, SearchCost(79, 1000, 1000))
    found = measure(rival)
    assert isinstance(found, UnmeasuredRival)
    assert "79 items, which do not pay for two sets of 20 drafts for each of 2 final seeds" in found.reason.reason


@pytest.mark.parametrize("rival", [{"type": "RandomSearch"}, {"type": "CmaEs"}, {"type": "BestOfN"}])
def test_a_rival_that_is_killed_anywhere_goes_on_and_finds_the_same(tmp_path: Path, rival: documents.Document) -> None:
    budget = SearchCost(170, 170, 2000)
    whole_engine = World()
    whole = measure(make_context(tmp_path / "whole", whole_engine, rival, budget))
    assert isinstance(whole, MeasuredRival)
    asked = 0
    for lasts in (3, 11, 10**9):
        engine = World(lasts=lasts)
        context = make_context(tmp_path / "killed", engine, rival, budget)
        engine.hard |= whole_engine.hard  # what was written before the kill
        if lasts < 10**9:
            with pytest.raises(InferenceError, match="gone"):
                measure(context)
        else:
            assert measure(context) == whole
        asked += len(engine.asked)
    assert asked < 1.3 * len(whole_engine.asked), "what is stored is not asked for again"


def test_an_outage_is_no_result(tmp_path: Path) -> None:
    with pytest.raises(InferenceError):
        measure(make_context(tmp_path, World(lasts=0), {"type": "UniformSoup"}))


def test_a_used_up_budget_of_calls_is_no_result(tmp_path: Path) -> None:
    def refuse(_: Request) -> Completion:
        raise BadInputError("spec.budget.calls: 10 are used up")

    with pytest.raises(BadInputError, match=r"spec\.budget"):
        measure(make_context(tmp_path, Scripted(refuse), {"type": "UniformSoup"}))


def test_a_rival_that_cannot_be_measured_is_listed_with_the_reason(tmp_path: Path) -> None:
    found = measure(make_context(tmp_path, World(silent=True), {"type": "UniformSoup"}))
    assert isinstance(found, UnmeasuredRival)
    assert "answers are scored" in found.reason.reason


def test_validate_says_what_rivals_cost_at_most() -> None:
    """Every rival has 2 final measurements of 20 items, in at most 2 rounds. One that spends may cost as much as the
    search and its choice besides."""
    soup, random = (load_setup({"type": name}).resolved for name in ("UniformSoup", "RandomSearch"))
    final = preview.estimate_rival_limits(soup)
    assert (final.first_round, final.requested, final.answers) == (40, 80, 40)
    search, choice, _ = preview.list_measurements(random)
    spending = preview.estimate_rival_limits(random)
    assert spending.first_round == 40 + search.count * search.items + choice.count * choice.items
    assert "UniformSoup; requested in addition: at most 80 items; at most 40 answers" in preview.describe_rivals(soup)


@pytest.mark.parametrize(
    ("path", "may"),
    [
        ("spec.rivals", True),
        ("spec.rivals[0].config.drafts", True),
        ("parts.spec.evaluation.rivals[1]", True),
        ("parts.spec.gates[0]", False),
        ("spec.evaluation.items", False),
    ],
)
def test_a_fork_may_have_other_rivals(path: str, may: bool) -> None:
    assert fork.may_differ(path) is may


def test_every_built_in_has_a_half_that_uses_models() -> None:
    for name in catalog.RIVALS:
        (use,) = parts.list_rivals(load_setup({"type": name}).resolved)
        part = parts.build_spec_part(use)
        found: Callable[..., FinalData] = comparison.load_carry_out(use, part)
        kind, context = list(get_type_hints(found).values())[:2]
        assert isinstance(part, kind)
        assert context is RivalContext
        assert len(inspect.signature(found).parameters) == 2


def test_a_rival_whose_other_half_is_missing_is_refused_with_its_field(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = plugins.load_built_in("rivals", "Slerp")
    monkeypatch.setattr(kind, "trainer", "swarm_trainer.rivals.gone:carry_out")
    with pytest.raises(BadInputError, match=r"spec\.evaluation\.rivals\[0\]: rival Slerp names"):
        comparison.check(load_setup({"type": "Slerp"}).resolved)


def test_rivals_are_in_the_summary_and_the_result(tmp_path: Path) -> None:
    rival = make_context(tmp_path, World(), {"type": "UniformSoup"})
    soup = measure(rival)
    assert isinstance(soup, MeasuredRival)
    gone = UnmeasuredRival("a-plug-in-with-a-long-name", Unmeasured("too few answers " * 9), SearchCost(5, 0, 0))
    report = RivalsReport((replace(soup, cost=SearchCost(50, 10, 1)), gone), SearchCost(100, 100, 100))
    found = replace(rival.found, supplements=(report,))
    lines = summary.render(found, "toy").splitlines()
    assert all(len(line) < 80 for line in report.format_lines())
    (row,) = (line for line in lines if line.startswith("UniformSoup"))
    assert row.split()[1] == f"{soup.fresh.value:.3f}"
    assert row.endswith("50%")
    assert any(line.startswith("a-plug-in-with") and "not measured: too few" in line for line in lines)
    fields = json.loads(result.serialize(found, result.Provenance(rival.setup.experiment, 1, BASE)))["rivals"]
    assert fields["budget"] == {"items": 100, "answers": 100, "tokens": 100}
    assert [one["name"] for one in fields["compared"]] == ["UniformSoup", "a-plug-in-with-a-long-name"]
    assert fields["compared"][0]["gain"]["verdict"] == str(soup.gain.verdict)
    assert "unmeasured" in fields["compared"][1]


def test_a_result_without_rivals_is_the_text_it_was(tmp_path: Path) -> None:
    rival = make_context(tmp_path, World(), {"type": "UniformSoup"})
    plain = result.serialize(rival.found, result.Provenance(rival.setup.experiment, 1, BASE))
    assert "rivals" not in json.loads(plain)
