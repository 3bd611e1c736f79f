"""The gate against copies of seed items and of shown examples, and the index that finds copies."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Indel

from swarm_core.canonical_items import canonicalize_item
from swarm_core.gates.gate_context import GateContext
from swarm_core.gates.registry import GateChoice, build_gates
from swarm_core.item_index import ItemIndex, find_numbers
from swarm_core.items import Item, build_items
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.ports import Gate
from swarm_core.text.canonical_text import canonicalize

JUDGE = ArithmeticJudge()
SEEDS = build_items(["97*98", "1+2", "Where is Paris?", "Where is Rome?"])
SHOWN = (SEEDS[:1], SEEDS[2:3])


class CountingJudge:
    """The verifier of arithmetic, which also counts the canonical forms that it computes."""

    computed = 0
    refusal, requests, score = JUDGE.refusal, JUDGE.requests, JUDGE.score

    def canonical(self, item: Item) -> str | None:
        self.computed += 1
        return JUDGE.canonical(item)


def build(examples_only: bool = False) -> Gate:
    config = {"against": "Examples"} if examples_only else {}
    (gate,) = build_gates(
        [GateChoice("Seed", config)], GateContext(JUDGE, seeds=ItemIndex(SEEDS, JUDGE), examples=SHOWN)
    )
    return gate


def test_a_copy_of_a_seed_item_is_rejected_in_any_spelling_and_told_apart_from_a_shown_example() -> None:
    gate = build()
    assert gate.refusal(Item("98 × 97 ="), ()) == "copies an example of its prompt, '97*98'"
    assert gate.refusal(Item("98 × 97 =", request=1), ()) == "copies the seed item '97*98'"
    assert (
        gate.refusal(Item("where is\u200b Pаris", request=1), ())
        == "copies an example of its prompt, 'Where is Paris?'"
    )
    assert gate.refusal(Item("where is Rome", request=7), ()) == "copies the seed item 'Where is Rome?'"
    assert gate.refusal(Item("97*99"), ()) is None


def test_a_gate_against_examples_admits_other_seed_items() -> None:
    gate = build(examples_only=True)
    assert gate.refusal(Item("97*98."), ()) == "copies an example of its prompt, '97*98'"
    assert gate.refusal(Item("97*98.", request=1), ()) is None
    assert gate.refusal(Item("1+2"), ()) is None


def test_a_gate_sees_the_examples_of_later_rounds() -> None:
    examples: list[tuple[Item, ...]] = []
    (gate,) = build_gates([GateChoice("Seed")], GateContext(JUDGE, examples=examples))
    examples.append(SHOWN[0])
    assert gate.refusal(Item("97*98"), ()) is not None


def test_a_copy_of_a_document_of_the_corpus_is_rejected_unless_only_examples_count() -> None:
    context = GateContext(JUDGE, seeds=ItemIndex(SEEDS, JUDGE), corpus=ItemIndex(build_items(["How is rice cooked?"])))
    for config, reason in (
        ({}, "copies the document 'How is rice cooked?' of the corpus"),
        ({"against": "Examples"}, None),
    ):
        (gate,) = build_gates([GateChoice("Seed", config)], context)
        assert gate.refusal(Item("how is ricе cooked"), ()) == reason
        assert gate.refusal(Item("How is fish cooked?"), ()) is None


def test_the_forms_of_the_seed_items_are_computed_once_for_all_measurements() -> None:
    judge = CountingJudge()
    seeds = ItemIndex(build_items(f"{n}+1" for n in range(50)), judge)
    for _ in range(5):
        (gate,) = build_gates([GateChoice("Seed")], GateContext(judge, seeds=seeds))
        assert gate.refusal(Item("1+49"), ()) is not None
    assert judge.computed == 50 + 5 * 2  # each item is looked for among the examples and among the seeds


@settings(deadline=None)
@given(
    texts=st.lists(st.sampled_from(["1+2", "2+1", "1 + 2", "3", "Where?", "where", "a.b"]), max_size=9),
    wanted=st.text(),
)
def test_an_index_finds_the_first_spelling_of_an_item_and_nothing_else(texts: list[str], wanted: str) -> None:
    index, items = ItemIndex(build_items(texts[:3]), JUDGE), build_items(texts)
    for item in items[3:]:
        index.add(item)
    for item in (*items, Item(wanted)):
        same = [one for one in items if canonicalize_item(one, JUDGE) == canonicalize_item(item, JUDGE)]
        assert index.find(item) == (same[0] if same else None)


TALES = build_items(["A farmer sells a dozen eggs each day.", "A farmer sells 12 eggs on day 3."])


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("A farmer sells a dozen big eggs each day.", True),
        ("A farmer sells 12 eggs at day 3", True),
        ("A farmer sells 13 eggs on day 3.", False),
        ("A farmer sells 3 eggs on day 12.", False),
        ("Which baker buys flour?", False),
    ],
)
@pytest.mark.parametrize("name", ["Duplicate", "HeldOut", "Seed"])
def test_a_near_copy_is_a_copy_only_for_a_gate_with_a_similarity_and_never_with_other_numbers(
    name: str, text: str, near: bool
) -> None:
    for config, rejected in (({}, False), ({"similarity": 0.8}, near)):
        index = ItemIndex(TALES)
        (gate,) = build_gates([GateChoice(name, config)], GateContext(JUDGE, seeds=index, held_out=index))
        if name == "Duplicate":
            assert [gate.refusal(tale, ()) for tale in TALES] == [None, None]
        assert (gate.refusal(Item(text), ()) is not None) is rejected


def test_a_judge_with_forms_for_both_decides_alone_and_texts_decide_otherwise() -> None:
    index = ItemIndex(build_items(["97+98+99+1"]), JUDGE)
    assert index.find(Item("98+97+1+99"), 0.5) == Item("97+98+99+1")
    assert ItemIndex(build_items(["97+98"]), JUDGE).find(Item("97-98"), 0.5) is None
    assert ItemIndex(build_items(["97+98"])).find(Item("97-98"), 0.5) == Item("97+98")


@settings(deadline=None)
@given(texts=st.lists(st.text("ab 1", min_size=1, max_size=8), max_size=6), wanted=st.text("ab 1", max_size=8))
def test_near_copies_are_those_of_the_definition_and_an_added_item_counts_like_a_given_one(
    texts: list[str], wanted: str
) -> None:
    given_at_once, added = ItemIndex(build_items(texts)), ItemIndex()
    for item in build_items(texts):
        added.find(Item(wanted), 0.7)
        added.add(item)
    found = given_at_once.find(Item(wanted), 0.7)
    assert found == added.find(Item(wanted), 0.7)
    form = canonicalize(wanted)
    near = [
        text
        for text in texts
        if find_numbers(canonicalize(text)) == find_numbers(form)
        and Indel.normalized_similarity(canonicalize(text), form) >= 0.7
    ]
    assert (found is not None) is bool(near)
