"""Rivals that ask a model: rewriting and the search by descriptions, with a model that follows instructions or not."""

import re
from pathlib import Path

import pytest
from rival_world import BASE, BUDGET, CORNERS, ITEMS, SumWriter, make_context
from swarmrun_documents import patched

from swarm_core import recipe, streams
from swarm_core.api import endpoint_access, loading, parts, resolution
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.blocks.endpoints import EndpointSpec
from swarm_core.errors import BadInputError
from swarm_core.ports import Completion, InferenceError, Request, RequestFailure
from swarm_core.rivals.rival import SearchCost
from swarm_trainer.cli import run_file
from swarm_trainer.evaluation import run_parts
from swarm_trainer.programs.swarm_run import preview
from swarm_trainer.report.rivals_report import MeasuredRival
from swarm_trainer.rivals import comparison
from swarm_trainer.rivals.rival_context import FinalData, RivalContext, RivalError

ENDPOINT = {"url": "https://models.test", "model": "large"}
REWRITE = {"type": "Rewrite", "rewrite": {"endpoint": ENDPOINT, "rounds": 3}}
SEARCH = {"type": "DescriptionSearch", "descriptionSearch": {"endpoint": ENDPOINT, "proposals": 2}}
REMOTE = EndpointSpec.model_validate(ENDPOINT).served_model
QUESTION = re.compile(r"<question-[0-9a-f]{16}>\n(.*)\n</question-", re.DOTALL)


class Instructed(SumWriter):
    """Also follows instructions at the endpoint: it adds a digit to a sum, which is hard then with probability 0.6, and
    proposes topics of growing hardness. The base writes about the topic in its prompt."""

    obeys = True
    proposed = 0

    def reply(self, request: Request) -> Completion | RequestFailure:
        if request.model == REMOTE:
            return self.obey(request) if self.obeys else Completion("As a small model, I cannot.", 7, True)
        topic = re.search(r"hardness 0\.(\d)", request.prompt)
        if topic and "Write 1 more" in request.prompt:
            return self.write(request, int(topic[1]) / 10)
        return super().reply(request)

    def obey(self, request: Request) -> Completion:
        if "new topics" in request.prompt:
            first = self.proposed = self.proposed + 2
            topics = [f"sums of hardness 0.{number % 10}, kind {number}" for number in (first, first + 1)]
            return Completion(f"1. {topics[0]}\n2. {topics[1]}", 9, True)
        item = QUESTION.search(request.prompt)[1] + str(request.seed % 9 + 1)  # type: ignore[index]
        self.hard[item] = streams.uniform(request.seed, "hard") < 0.6
        return Completion(f"1. {item}", 9, True)


def carry_out(rival: RivalContext) -> FinalData:
    (use,) = parts.list_rivals(rival.setup.resolved)
    part = parts.build_spec_part(use)
    return comparison.load_carry_out(use, part)(part, rival)


def value(data: FinalData, rival: RivalContext) -> float:
    found = comparison.judge_data(rival, data)
    assert isinstance(found, MeasuredRival)
    return found.fresh.value


def test_rewriting_makes_the_items_of_the_best_initial_generator_harder(tmp_path: Path) -> None:
    rival = make_context(tmp_path, Instructed(), REWRITE)
    data = carry_out(rival)
    assert rival.found.initial.fresh.value < 0.5
    assert value(data, rival) > 0.85
    assert data.model == rival.setup.space.recipe(CORNERS[0]).name
    assert [len(one.items) for one in data.rollouts] == [ITEMS, ITEMS]
    assert [one.requests for one in data.rollouts] == [one.requests for one in rival.found.initial.rollouts]
    assert rival.spent.items == 4 * 2 * ITEMS
    assert rival.spent.fits_into(BUDGET)


def test_rewriting_stops_before_it_spends_more_than_the_search(tmp_path: Path) -> None:
    rival = make_context(tmp_path, Instructed(), REWRITE, SearchCost(5 * ITEMS, 1000, 10_000))
    carry_out(rival)
    assert rival.spent.items == 4 * ITEMS
    short = make_context(tmp_path / "tokens", Instructed(), REWRITE, SearchCost(1000, 1000, 500))
    carry_out(short)
    assert (short.spent.items, short.spent.tokens <= 500) == (2 * ITEMS, True)
    with pytest.raises(RivalError, match="do not pay for 20 drafts for each of 2 final seeds"):
        carry_out(make_context(tmp_path / "none", Instructed(), REWRITE, SearchCost(ITEMS, 1000, 10_000)))


def test_a_model_that_does_not_rewrite_leaves_the_items_as_they_are(tmp_path: Path) -> None:
    engine = Instructed()
    engine.obeys = False
    rival = make_context(tmp_path, engine, REWRITE)
    texts = [one.text for rollout in carry_out(rival).rollouts for one in rollout.items]
    assert texts == [one.text for rollout in rival.found.initial.rollouts for one in rollout.items]


@pytest.mark.parametrize(
    ("rival", "changes", "message"),
    [
        (
            REWRITE,
            {"spec.generation": {"format": "QuestionsAndAnswers"}},
            r"rivals\[0\]: Rewrite changes questions and not .* generation\.format QuestionsAndAnswers has",
        ),
        (
            SEARCH,
            {"spec.prompts": {"generation": {"text": "More:\n{examples}"}}},
            r"rivals\[0\]: the prompt .* does not show the domain.*write \{domain\} in spec\.prompts\.generation\.text",
        ),
        (SEARCH, {"spec.base.template": "Plain"}, "set base.template to Chat"),
    ],
)
def test_a_run_that_cannot_have_the_rival_is_refused_before_it_starts(
    rival: dict[str, object], changes: dict[str, object], message: str
) -> None:
    def resolve(changes: dict[str, object]) -> ResolvedSpec:
        document = patched({"spec.evaluation.rivals": [rival], **changes})
        return resolution.resolve_run(loading.parse_object(document, "run.yaml"))

    run_parts.check(resolve({}))
    assert run_file.find_misfits(resolve({})) == []
    with pytest.raises(BadInputError, match=message):
        run_parts.check(resolve(changes))
    (problem,) = run_file.find_misfits(resolve(changes))
    assert re.search(message, problem), "validate says so, too"


@pytest.mark.parametrize("rival", [REWRITE, SEARCH])
def test_the_estimate_of_calls_has_those_of_a_rival_that_asks_a_model(tmp_path: Path, rival: dict[str, object]) -> None:
    engine = Instructed()
    context = make_context(tmp_path, engine, rival)
    asked = preview.estimate_calls(context.setup.resolved)
    search, choice, _ = preview.list_measurements(context.setup.resolved)
    assert asked["rivals"] == 2 * (search.count * search.items + choice.count * choice.items), (
        "two rounds, one item each"
    )
    carry_out(context)
    assert 0 < sum(request.model == REMOTE for request in engine.asked) <= asked["rivals"]


def test_the_best_topic_by_the_search_writes_the_final_items(tmp_path: Path) -> None:
    rival = make_context(tmp_path, Instructed(), SEARCH)
    data = carry_out(rival)
    assert value(data, rival) > 0.5 > rival.found.initial.fresh.value
    assert rival.spent.fits_into(BUDGET)
    assert rival.spent.items > 0.8 * BUDGET.items
    assert data.model == recipe.build_single(BASE, dtype=rival.setup.space.dtype).name


@pytest.mark.parametrize("tokens", [75, 230])
def test_proposals_that_cost_more_than_is_left_are_left_out(tmp_path: Path, tokens: int) -> None:
    rival = make_context(tmp_path, Instructed(), SEARCH, SearchCost(10_000, 10_000, tokens))
    carry_out(rival)
    assert rival.spent.tokens <= tokens


def test_the_values_of_earlier_topics_are_shown_and_the_first_is_the_domain(tmp_path: Path) -> None:
    engine = Instructed()
    rival = make_context(tmp_path, engine, SEARCH)
    carry_out(rival)
    first, second, *_ = [one.prompt for one in engine.asked if "new topics" in one.prompt]
    assert re.search(rf"\n0\.\d{{3}}: {rival.setup.resolved.domain}\n</topics-", first)
    assert len(re.findall(r"\n0\.\d{3}: ", second)) == 3


def test_a_model_without_topics_leaves_the_domain_as_the_best(tmp_path: Path) -> None:
    engine = Instructed()
    engine.obeys = False
    rival = make_context(tmp_path, engine, SEARCH)
    carry_out(rival)
    assert sum("new topics" in one.prompt for one in engine.asked) == 3
    assert rival.spent.items == 12


@pytest.mark.parametrize("spec", [REWRITE, SEARCH], ids=["rewrite", "descriptions"])
@pytest.mark.parametrize("lasts", [0, 1, 4, 9])
def test_a_rival_that_was_killed_ends_in_the_same_data(tmp_path: Path, spec: dict[str, object], lasts: int) -> None:
    whole = make_context(tmp_path / "whole", Instructed(), spec)
    wanted = carry_out(whole)
    with pytest.raises(InferenceError):
        carry_out(make_context(tmp_path / "killed", Instructed(lasts=lasts), spec))
    resumed = make_context(tmp_path / "killed", Instructed(), spec)
    resumed_engine = resumed.context.engines[resumed.setup.manifest][0]
    assert isinstance(resumed_engine, Instructed)
    resumed_engine.hard |= whole.context.engines[whole.setup.manifest][0].hard  # type: ignore[attr-defined]
    resumed_engine.proposed = count_stored_topics(tmp_path / "killed")
    assert carry_out(resumed) == wanted
    assert resumed.spent == whole.spent


def count_stored_topics(folder: Path) -> int:
    return 2 * len(list(folder.rglob("topics.json")))


def test_the_key_of_a_rivals_endpoint_has_an_owner_of_its_own() -> None:
    document = patched({"spec.evaluation.rivals": [{"type": "FewShotBase"}, REWRITE]})
    resolved = resolution.resolve_run(loading.parse_object(document, "run.yaml"))
    (access,) = [one for one in resolved.access if one.owner.startswith("rivals/")]
    assert (access.owner, access.field) == ("rivals/1", "spec.evaluation.rivals[1].rewrite.endpoint")
    assert access.remote == endpoint_access.identify_endpoint(EndpointSpec.model_validate(ENDPOINT))
    assert resolved.rivals[1].endpoint == access.remote
