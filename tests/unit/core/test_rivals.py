"""Rivals, as far as they need no model: what they may spend, and which drafts best of N keeps."""

from collections.abc import Sequence

import pytest
import swarmrun_documents as documents

from swarm_core import catalog, plugins
from swarm_core.api import loading, resolution
from swarm_core.api.resolved import Part
from swarm_core.errors import BadInputError
from swarm_core.items import Item
from swarm_core.objectives.accuracy import Accuracy
from swarm_core.objectives.consistency import Consistency
from swarm_core.objectives.difficulty import Difficulty
from swarm_core.objectives.objective import Objective
from swarm_core.objectives.personalization import FEATURE, Personalization
from swarm_core.objectives.scores import Score, Unscored, UnscoredReason
from swarm_core.objectives.separation import Separation
from swarm_core.optimizers import cma_es, random_search
from swarm_core.recipe import ModelName
from swarm_core.rivals.best_of_n import Selector
from swarm_core.rivals.rival import SearchCost
from swarm_core.rollout import AnsweredItem, Rollout, TakerAnswer

MISSING = Unscored(UnscoredReason.UNAVAILABLE, "outage")


def items(*scores: Sequence[Score], similarity: Sequence[float] = ()) -> list[AnsweredItem]:
    """Items with these scores, [item][taker]."""
    features = [((FEATURE, value),) for value in similarity] or [()] * len(scores)
    return [
        AnsweredItem(Item(str(number)), tuple(TakerAnswer("?", score) for score in row), feature)
        for number, (row, feature) in enumerate(zip(scores, features, strict=True))
    ]


def select(objective: Objective, count: int, *repeats: list[AnsweredItem]) -> list[list[int]]:
    """The numbers of the kept items, [repeat][item]."""
    takers = tuple(f"t{number}" for number in range(len(repeats[0][0].answers)))
    return [[int(one.text) for one in kept] for kept in Selector(objective, takers).select(repeats, count)]


def test_of_one_taker_the_items_that_it_gets_wrong_are_kept_in_the_order_of_writing() -> None:
    assert select(Difficulty(), 2, items([1], [0], [1], [0], [1])) == [[1, 3]]
    assert select(Accuracy(), 3, items([1], [0], [1], [0], [1])) == [[0, 2, 4]]


def test_equal_items_are_kept_in_the_order_of_writing() -> None:
    assert select(Difficulty(), 2, items([1], [1], [1], [1])) == [[0, 1]]


def test_difficulty_follows_whichever_taker_is_the_best_at_the_time() -> None:
    """The first taker is right on four of six. A rule of one round looks at it alone and keeps items 4 and 5, which the
    second taker gets right: difficulty 0. Rounds leave each taker one right answer of two."""
    drafts = items([1, 0], [1, 0], [1, 0], [1, 1], [0, 1], [0, 1])
    (kept,) = select(Difficulty(), 2, drafts)
    rights = [sum(drafts[number].answers[taker].score == 1 for number in kept) for taker in (0, 1)]
    assert rights == [1, 1]


def test_separation_keeps_the_items_on_which_takers_differ() -> None:
    assert select(Separation(), 2, items([1, 1], [1, 0], [0, 0], [1, 0], [0, 1])) == [[1, 3]]


def test_an_objective_that_asks_no_taker_is_selected_by_the_features_of_items() -> None:
    drafts = items([], [], [], [], similarity=[3.0, 9.0, 1.0, 7.0])
    assert select(Personalization(), 2, drafts) == [[1, 3]]


def test_each_repeat_keeps_as_many_items_so_that_their_means_agree() -> None:
    found = select(Consistency(2), 2, items([1], [0], [1], [1]), items([1], [0], [0], [1]))
    assert [len(kept) for kept in found] == [2, 2]
    rights = [[number in (0, 2, 3) for number in found[0]], [number in (0, 3) for number in found[1]]]
    assert sum(rights[0]) == sum(rights[1])


def test_an_item_without_a_score_is_not_selected_even_if_too_few_are_left() -> None:
    assert select(Difficulty(), 2, items([0], [MISSING], [1])) == [[0, 2]]
    assert select(Difficulty(), 2, items([0], [MISSING])) == [[0]]


def test_the_cost_of_rollouts_counts_requested_items_answers_and_tokens() -> None:
    one = Rollout(ModelName("0" * 64), ("a", "b"), 9, 3, tuple(items([1, 0], [0, 0])), (), 50)
    assert SearchCost.sum([one, one]) == SearchCost(18, 8, 100)
    assert SearchCost.sum([]) == SearchCost()


@pytest.mark.parametrize(("part", "fits"), [("items", False), ("answers", False), ("tokens", False), (None, True)])
def test_a_cost_fits_only_if_each_part_does(part: str | None, fits: bool) -> None:
    over = {} if part is None else {part: 6}
    assert SearchCost(**{"items": 5, "answers": 5, "tokens": 5, **over}).fits_into(SearchCost(5, 5, 5)) is fits


def resolve(*rivals: documents.Document) -> tuple[Part, ...]:
    document = documents.patched({"spec.evaluation": {"rivals": list(rivals)}})
    return resolution.resolve_run(loading.parse_object(document, "run.yaml")).rivals


def test_rivals_are_resolved_to_parts_with_every_default_and_without_the_settings_of_others() -> None:
    """So one more rival in the catalog changes no digest."""
    found = resolve({"type": "BestOfN"}, {"type": "DareTies"}, {"type": "Slerp"})
    assert [(part.name, part.config) for part in found] == [
        ("BestOfN", {}),
        ("DareTies", {"density": 0.5}),
        ("Slerp", {}),
    ]
    assert resolve({"type": "BestOfN", "bestOfN": {"drafts": 3}})[0].config == {"drafts": 3}


def test_an_optimizer_as_a_rival_has_the_constants_of_the_optimizer() -> None:
    random, cma = resolve({"type": "RandomSearch", "randomSearch": {"halfWidth": 2}}, {"type": "CmaEs"})
    assert plugins.build_part("rivals", random.name, random.config).optimizer == random_search.RandomSearch(2.0)
    assert plugins.build_part("rivals", cma.name, cma.config).optimizer == cma_es.CmaEs()


@pytest.mark.parametrize(
    ("rival", "error"),
    [
        ({"type": "Greedy"}, r"spec.evaluation.rivals\[0\].type"),
        ({"type": "BestOfN", "bestOfN": {"drafts": 1}}, r"spec.evaluation.rivals\[0\].bestOfN.drafts"),
        ({"type": "DareTies", "dareTies": {"density": 0}}, r"spec.evaluation.rivals\[0\].dareTies.density"),
        ({"type": "Slerp", "slerp": {}}, r"spec.evaluation.rivals\[0\].slerp"),
        ({"type": "Plugin"}, "plugin is given exactly when type is Plugin"),
    ],
)
def test_a_rival_that_is_not_one_is_refused_with_its_field(rival: documents.Document, error: str) -> None:
    with pytest.raises(BadInputError, match=error):
        resolve(rival)


def test_more_rivals_than_a_report_shows_are_refused() -> None:
    many = [{"type": "Plugin", "plugin": {"name": f"mine-{number}"}} for number in range(17)]
    with pytest.raises(BadInputError, match="rivals"):
        resolve(*many)


def test_every_rival_names_its_other_half_and_says_whether_it_spends() -> None:
    for name in catalog.RIVALS:
        kind = plugins.load_built_in("rivals", name)
        assert kind.trainer.startswith("swarm_trainer.rivals.")
        assert kind.trainer.endswith(":carry_out")
        assert isinstance(kind.spends_budget, bool)
        assert kind.revision >= 1
