"""The gate against copies of seed items and of shown examples, and the index that finds copies."""

from hypothesis import given, settings
from hypothesis import strategies as st

from swarm_core.canonical_items import canonicalize_item
from swarm_core.gates.gate_context import GateContext
from swarm_core.gates.registry import GateChoice, build_gates
from swarm_core.item_index import ItemIndex
from swarm_core.items import Item, build_items
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.ports import Gate

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
