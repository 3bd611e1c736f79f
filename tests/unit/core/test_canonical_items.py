"""One measure of sameness: gates, pools and lists of items agree on what is one item."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm_core import item_pool
from swarm_core.canonical_items import canonicalize_item, select_distinct
from swarm_core.gates.duplicate import DuplicateGate
from swarm_core.gates.gate_context import GateContext
from swarm_core.gates.held_out_gate import HeldOutGate
from swarm_core.gates.registry import GateChoice, build_gates
from swarm_core.item_index import ItemIndex
from swarm_core.item_pool import Pool, PoolEntry, TurnoverRule
from swarm_core.items import Item, build_items
from swarm_core.judges.arithmetic import ArithmeticJudge

JUDGE = ArithmeticJudge()


@st.composite
def products(draw: st.DrawFn, left: int = 97, right: int = 98) -> str:
    """A spelling of left * right that the verifier of arithmetic can read, or that only looks like one."""
    numbers = [
        str(number) + draw(st.sampled_from(["", ".0", ".00"])) for number in draw(st.permutations([left, right]))
    ]
    operands = [draw(st.sampled_from(["{}", "({})", "{}*1", "1*{}", "({}+0)", "{}/1"])).format(one) for one in numbers]
    text = draw(st.sampled_from(["*", "×", "·", " ⋅ ", " × ", "∗", "✖️"])).join(operands)
    text = draw(st.sampled_from(["{}", "({})", "{}+0", "0+{}", "{}-0", "-(-{})"])).format(text)
    text = text.translate(draw(st.sampled_from([{}, {ord("9"): "９"}, {ord("7"): "٧"}, {ord("("): "\u200b("}])))
    return text + draw(st.sampled_from(["", "=", "?", " = ?", " = ___", ".", "\u00ad ＝ ？"]))


@settings(deadline=None)
@given(text=products())
def test_a_product_in_any_spelling_is_one_item(text: str) -> None:
    item = Item("97*98")
    assert canonicalize_item(Item(text), JUDGE) == canonicalize_item(item, JUDGE)
    assert select_distinct([Item(text), item], JUDGE) == (Item(text),)
    held_out, duplicate = build_gates(
        [GateChoice("HeldOut"), GateChoice("Duplicate")], GateContext(JUDGE, held_out=ItemIndex([item], JUDGE))
    )
    assert held_out.refusal(Item(text), ()) == "is in the held-out data"
    assert duplicate.refusal(item, ()) is None
    assert duplicate.refusal(Item(text), ()) == "repeats '97*98'"


@settings(deadline=None)
@given(text=products(), other=products(97, 99) | products(9, 798))
def test_another_product_is_another_item(text: str, other: str) -> None:
    assert len(select_distinct(build_items([text, other]), JUDGE)) == 2


def test_a_judge_without_a_form_leaves_it_to_the_text() -> None:
    first, copy, other = build_items(["Where is Paris?", "where is\u200b Pаris", "Where is Rome?"])
    for judge in (None, JUDGE):
        assert select_distinct([first, copy, other], judge) == (first, other)
    assert len(select_distinct(build_items(["1+2", "2+1"]))) == 2


def test_gates_without_a_judge_compare_texts() -> None:
    gate = DuplicateGate()
    assert [gate.refusal(Item(text)) for text in ("1+2", "1 + 2 =", "2+1")] == [None, "repeats '1+2'", None]
    assert HeldOutGate(ItemIndex(build_items(["1+2"]))).refusal(Item("１+2")) == "is in the held-out data"


def test_a_form_of_the_judge_is_never_taken_for_a_text() -> None:
    class Namer:
        def canonical(self, item: Item) -> str | None:
            return "paris" if item.text == "capital" else None

    judge = Namer()
    assert canonicalize_item(Item("capital"), judge) != canonicalize_item(Item("Paris"), judge)  # type: ignore[arg-type]


def entry(text: str) -> PoolEntry:
    return PoolEntry(Item(text), 0)


@pytest.mark.parametrize("copy", ["2*1", "1×2 = ?", "(1)*2", "１*2", "1\u200b*2"])
def test_a_pool_holds_an_item_once(copy: str) -> None:
    pool = Pool(0, (entry("1*2"), entry("3*4")))
    assert item_pool.select_new(pool, [], [entry(copy), entry("5*6")], JUDGE) == [entry("5*6")]
    archive = item_pool.update_archive(Pool(1, (entry(copy),), (entry("1*2"), entry("7*8"))), [True], 9, JUDGE)
    assert len(archive) == 2
    rule = TurnoverRule(share=1.0, revisited=1.0, archive=9, seed=1)
    assert item_pool.build_next(pool, [entry(copy)], [], rule, JUDGE).entries == pool.entries
