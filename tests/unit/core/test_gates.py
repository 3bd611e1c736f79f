"""Items before gates, one gate at a time and in a row."""

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm_core import catalog, plugins
from swarm_core.errors import BadInputError
from swarm_core.gates.admission import Admission, Rejection
from swarm_core.gates.admission import admit as admit_items
from swarm_core.gates.answerable import AnswerableGate, read_validity
from swarm_core.gates.duplicate import DuplicateGate
from swarm_core.gates.gate_context import GateContext
from swarm_core.gates.held_out_gate import HeldOutGate
from swarm_core.gates.registry import GateChoice, build_gates
from swarm_core.gates.verifiable import VerifiableGate
from swarm_core.item_index import ItemIndex
from swarm_core.items import Item, build_items
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.ports import Completion, Gate, Reply, Request, RequestFailure, Undecided
from swarm_core.recipe import remote_model_name
from swarm_core.text.canonical_text import canonicalize


class Recording:
    """A gate that refuses what it is told to and remembers what it was asked."""

    def __init__(self, name: str, refused: str = "") -> None:
        self.name = name
        self.refused = refused
        self.asked: list[str] = []

    def requests(self, item: Item) -> tuple[Request, ...]:
        return ()

    def refusal(self, item: Item, replies: Sequence[Reply]) -> str | None:
        self.asked.append(item.text)
        return "as told" if item.text == self.refused else None


def nobody(requests: Sequence[Request]) -> list[Reply]:
    raise AssertionError("a program asks nobody")


def admit(texts: Iterable[str], gates: Sequence[Gate]) -> Admission:
    return admit_items(build_items(texts), gates, nobody)


def test_a_verifiable_item_is_one_that_the_judge_does_not_refuse() -> None:
    gate = VerifiableGate(ArithmeticJudge())
    assert gate.refusal(Item("12+34")) is None
    assert gate.refusal(Item("1/0")) == "division by zero"


@pytest.mark.parametrize(
    "copy", ["What is  1 + 2 ?", "WHAT IS 1+2?", " what\nis 1+2?\t"], ids=["spaced", "upper", "broken"]
)
def test_an_item_counts_once_whatever_its_case_and_spacing(copy: str) -> None:
    gate = DuplicateGate()
    assert gate.refusal(Item("What is 1+2?")) is None
    assert gate.refusal(Item(copy)) == "repeats 'What is 1+2?'"


def test_the_very_same_text_twice_is_a_duplicate() -> None:
    gate, item = DuplicateGate(), "1+2"
    assert (gate.refusal(Item(item)), gate.refusal(Item(item))) == (None, "repeats '1+2'")


def test_different_items_are_no_duplicates() -> None:
    gate = DuplicateGate()
    assert [gate.refusal(Item(item)) for item in ("1+2", "2+1", "1 2", "12", "1-2")] == [None] * 5


def test_two_measurements_do_not_share_what_they_admitted() -> None:
    assert (DuplicateGate().refusal(Item("1+2")), DuplicateGate().refusal(Item("1+2"))) == (None, None)


def test_a_copy_of_a_held_out_item_is_refused() -> None:
    gate = HeldOutGate(ItemIndex([Item("Is 0 tied to 2?")]))
    assert gate.refusal(Item("is 0 tied\nto 2 ?")) == "is in the held-out data"
    assert gate.refusal(Item("Is 0 tied to 3?")) is None


def test_an_item_meets_a_gate_only_if_the_gates_before_admitted_it() -> None:
    first, second = Recording("first", refused="b"), Recording("second", refused="c")
    admission = admit(["a", "b", "c"], [first, second])
    assert admission.accepted == (Item("a"),)
    assert admission.rejections == (Rejection(Item("b"), "first", "as told"), Rejection(Item("c"), "second", "as told"))
    assert (first.asked, second.asked) == (["a", "b", "c"], ["a", "c"])


def test_rejections_are_told_by_gate_with_their_texts() -> None:
    admission = admit(
        ["12+3", "x", "12 + 3", "9*9", "y"],
        [VerifiableGate(ArithmeticJudge()), HeldOutGate(ItemIndex([Item("9*9")])), DuplicateGate()],
    )
    assert admission.accepted == (Item("12+3"),)
    texts = {gate: [rejection.text for rejection in found] for gate, found in admission.by_gate().items()}
    assert texts == {"Verifiable": ["x", "y"], "Duplicate": ["12 + 3"], "HeldOut": ["9*9"]}


def test_one_gate_serves_all_calls_of_a_measurement() -> None:
    gates = [DuplicateGate()]
    assert admit(["1+2"], gates).accepted == (Item("1+2"),)
    assert admit(["1+2", "3+4"], gates).accepted == (Item("3+4"),)


@settings(deadline=None)
@given(items=st.lists(st.text(max_size=6)))
def test_every_item_is_accepted_or_rejected_once(items: list[str]) -> None:
    admission = admit(items, [DuplicateGate(), HeldOutGate(ItemIndex([Item("a")]))])
    outcome = [*(item.text for item in admission.accepted), *(rejection.text for rejection in admission.rejections)]
    assert sorted(outcome) == sorted(items)
    assert len({canonicalize(item.text) for item in admission.accepted}) == len(admission.accepted)


@pytest.mark.parametrize(
    "copy", ["Ｗhat is １+２?", "What is\u00a01+2?", "WHAT IS 1+2\ufe56", "\u2157hat", "ﬁnd"], ids=range(5)
)
def test_a_copy_in_compatible_characters_is_a_copy(copy: str) -> None:
    gate = DuplicateGate()
    for original in ("What is 1+2?", "3\u20445hat", "find"):
        assert gate.refusal(Item(original)) is None
    told = gate.refusal(Item(copy))
    assert told is not None
    assert told.startswith("repeats")


def reply(text: str, *, finished: bool = True) -> Completion:
    return Completion(text, 9, finished)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("Valid: yes", True),
        ("It asks for a sum.\n**Valid: no**", False),
        ("Valid: yes\nValid: no", False),
        ("Valid: perhaps", None),
        ("yes", None),
        ("", None),
    ],
)
def test_an_item_is_valid_only_if_the_judge_says_so_and_nothing_else(text: str, valid: bool | None) -> None:
    assert read_validity(reply(text)) is valid
    assert read_validity(reply(text, finished=False)) is None


ANSWERABLE = AnswerableGate(remote_model_name("https://host/v1", "large"))


def test_a_gate_that_asks_is_asked_about_all_items_at_once_and_only_about_those_that_came_so_far() -> None:
    asked: list[list[str]] = []

    def ask(requests: Sequence[Request]) -> list[Reply]:
        asked.append([request.prompt for request in requests])
        return [reply("Valid: no" if "two" in request.prompt else "Valid: yes") for request in requests]

    items = build_items(["one?", "two?", "One ?", "three?"])
    admission = admit_items(items, [DuplicateGate(), ANSWERABLE], ask)
    assert [item.text for item in admission.accepted] == ["one?", "three?"]
    assert [(rejection.text, rejection.gate) for rejection in admission.rejections] == [
        ("One ?", "Duplicate"),
        ("two?", "Answerable"),
    ]
    (prompts,) = asked
    assert [text for prompt in prompts for text in ("one?", "two?", "One ?", "three?") if text in prompt] == [
        "one?",
        "two?",
        "three?",
    ]


@pytest.mark.parametrize(
    ("given", "why"), [(RequestFailure("busy"), "busy"), (reply("Hm."), "neither yes nor no")], ids=["failed", "unread"]
)
def test_what_nobody_can_decide_is_not_admitted_and_counted_apart(given: Reply, why: str) -> None:
    found = ANSWERABLE.refusal(Item("one?"), [given])
    assert isinstance(found, Undecided)
    assert why in found.reason
    admission = admit_items(build_items(["one?"]), [ANSWERABLE], lambda requests: [given] * len(requests))
    assert (admission.accepted, admission.rejections) == ((), ())
    assert [(one.item, one.gate) for one in admission.undecided] == [(Item("one?"), "undecided")]
    assert admission.undecided[0].reason == f"Answerable: {found.reason}"


ENDPOINT = {"url": "https://host", "model": "large"}
CONTEXT = GateContext(ArithmeticJudge(), held_out=ItemIndex([Item("9*9")]))


def test_gates_are_met_in_the_order_in_which_they_are_listed_and_made_anew_for_every_measurement() -> None:
    names = ("Duplicate", "Answerable", "HeldOut", "Verifiable")
    chosen = [GateChoice(name, {"endpoint": ENDPOINT} if name == "Answerable" else {}) for name in names]
    gates = build_gates(chosen, CONTEXT)
    assert tuple(gate.name for gate in gates) == names
    assert gates[0] is not build_gates(chosen, CONTEXT)[0]
    assert gates[1] == ANSWERABLE
    assert gates[2].refusal(Item("9*9"), ()) == "is in the held-out data"


@pytest.mark.parametrize("name", catalog.GATES)
def test_a_gate_counts_its_rejections_under_the_name_that_specs_have_for_it(name: str) -> None:
    assert plugins.load_built_in("gates", name).name == name


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (GateChoice("Novel"), f"gate 'Novel' is unknown: .*built in are {', '.join(catalog.GATES)}"),
        (GateChoice("Duplicate", {"model": "m"}), "gate Duplicate: model: "),
        (GateChoice("Answerable", {"maxTokens": 0}), "gate Answerable: maxTokens: "),
        (GateChoice("Answerable"), "gate Answerable: neither the gate nor the judge has an endpoint"),
    ],
)
def test_a_gate_that_cannot_be_made_is_refused_by_name(choice: GateChoice, told: str) -> None:
    with pytest.raises(BadInputError, match=told):
        build_gates([choice], CONTEXT)
