"""The gate against test sets: it rejects an item that shares its words with a test item, and says which."""

import pytest

from swarm_core.errors import BadInputError
from swarm_core.gates.gate_context import GateContext, ItemSet
from swarm_core.gates.registry import GateChoice, build_gates
from swarm_core.item_index import ItemIndex
from swarm_core.items import Item, build_items
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.ports import Gate

JUDGE = ArithmeticJudge()
STORY = "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May."
SETS = (
    ItemSet("sums", ItemIndex(build_items(["97*98", "Where is Paris?"]), JUDGE)),
    ItemSet("data set 2", ItemIndex(build_items(["What is a noun?", STORY]), JUDGE)),
)
TEST_SETS = {"testSets": [{"uri": "sums.jsonl"}, {"uri": "stories.jsonl"}]}


def build(**config: object) -> Gate:
    (gate,) = build_gates([GateChoice("Contamination", {**TEST_SETS, **config}, SETS)], GateContext(JUDGE))
    return gate


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("98 × 97.0 = ?", "copies '97*98' of sums"),
        ("where is\u200b Pаris", "copies 'Where is Paris?' of sums"),
        ("WHAT IS A NOUN", "copies 'What is a noun?' of data set 2"),
        (f"Listen. {STORY} How many were it?", f"copies {STORY[:80]!r} of data set 2"),
        (
            "Weng sold clips to 48 of her friends in June, and then she sold half as many clips in May.",
            f"shares 31% of its 8-grams with {STORY[:80]!r} of data set 2",
        ),
    ],
)
def test_an_item_that_repeats_a_test_item_is_rejected_with_the_item_and_its_set(text: str, reason: str) -> None:
    assert build().refusal(Item(text), ()) == reason


@pytest.mark.parametrize(
    "text",
    [
        "97*99",
        "Where is Rome?",
        "Where is Paris in Texas?",
        "Weng sold 48 clips to a friend, and he sold her some in May.",
    ],
)
def test_another_item_is_admitted(text: str) -> None:
    assert build().refusal(Item(text), ()) is None


def test_the_settings_decide_how_much_may_be_shared() -> None:
    half = Item(f"{STORY[:52]} and he went to the market with nobody on a very cold day of winter.")
    assert build().refusal(half, ()) is not None
    assert build(overlap=0.5).refusal(half, ()) is None
    assert build(ngramSize=13).refusal(half, ()) is None
    near = Item("Where is Parris?")
    assert build().refusal(near, ()) is None
    assert build(similarity=0.9).refusal(near, ()) == "copies 'Where is Paris?' of sums"


def test_the_indices_of_a_test_set_are_made_once_for_all_measurements() -> None:
    assert SETS[1].index_ngrams(5) is SETS[1].index_ngrams(5)
    assert SETS[1].index_ngrams(5) is not SETS[1].index_ngrams(6)


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"testSets": []}, "testSets"),
        ({"testSets": None}, "testSets"),
        ({"testSets": [{"uri": "ftp://host/test.jsonl"}]}, "testSets.0.uri"),
        ({"ngramSize": 0}, "ngramSize"),
        ({"overlap": 0}, "overlap"),
        ({"overlap": 1.1}, "overlap"),
    ],
)
def test_settings_without_a_meaning_are_refused(config: dict[str, object], field: str) -> None:
    with pytest.raises(BadInputError, match=rf"gate Contamination: {field}: "):
        build(**config)
