"""Items before gates, one gate at a time and in a row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core.gates.admission import Rejection, admit
from swarm_core.gates.duplicate import DuplicateGate
from swarm_core.gates.held_out_gate import HeldOutGate
from swarm_core.gates.verifiable import VerifiableGate
from swarm_core.judges.arithmetic import ArithmeticJudge
from swarm_core.text.normalization import normalize


class Recording:
    """A gate that refuses what it is told to and remembers what it was asked."""

    def __init__(self, name: str, refused: str = "") -> None:
        self.name = name
        self.refused = refused
        self.asked: list[str] = []

    def refusal(self, item: str) -> str | None:
        self.asked.append(item)
        return "as told" if item == self.refused else None


def test_a_verifiable_item_is_one_that_the_judge_does_not_refuse() -> None:
    gate = VerifiableGate(ArithmeticJudge())
    assert gate.refusal("12+34") is None
    assert gate.refusal("1/0") == "division by zero"


@pytest.mark.parametrize(
    "copy", ["What is  1 + 2 ?", "WHAT IS 1+2?", " what\nis 1+2?\t"], ids=["spaced", "upper", "broken"]
)
def test_an_item_counts_once_whatever_its_case_and_spacing(copy: str) -> None:
    gate = DuplicateGate()
    assert gate.refusal("What is 1+2?") is None
    assert gate.refusal(copy) == "repeats 'What is 1+2?'"


def test_the_very_same_text_twice_is_a_duplicate() -> None:
    gate, item = DuplicateGate(), "1+2"
    assert (gate.refusal(item), gate.refusal(item)) == (None, "repeats '1+2'")


def test_different_items_are_no_duplicates() -> None:
    gate = DuplicateGate()
    assert [gate.refusal(item) for item in ("1+2", "2+1", "1 2", "12", "1-2")] == [None] * 5


def test_two_measurements_do_not_share_what_they_admitted() -> None:
    assert (DuplicateGate().refusal("1+2"), DuplicateGate().refusal("1+2")) == (None, None)


def test_a_copy_of_a_held_out_item_is_refused() -> None:
    gate = HeldOutGate(["Is 0 tied to 2?"])
    assert gate.refusal("is 0 tied\nto 2 ?") == "stands in the held-out data"
    assert gate.refusal("Is 0 tied to 3?") is None


def test_an_item_meets_a_gate_only_if_the_gates_before_admitted_it() -> None:
    first, second = Recording("first", refused="b"), Recording("second", refused="c")
    admission = admit(["a", "b", "c"], [first, second])
    assert admission.accepted == ("a",)
    assert admission.rejections == (Rejection("b", "first", "as told"), Rejection("c", "second", "as told"))
    assert (first.asked, second.asked) == (["a", "b", "c"], ["a", "c"])


def test_rejections_are_told_by_gate_with_their_texts() -> None:
    admission = admit(
        ["12+3", "x", "12 + 3", "9*9", "y"], [VerifiableGate(ArithmeticJudge()), HeldOutGate(["9*9"]), DuplicateGate()]
    )
    assert admission.accepted == ("12+3",)
    texts = {gate: [rejection.text for rejection in found] for gate, found in admission.by_gate().items()}
    assert texts == {"verifiable": ["x", "y"], "duplicate": ["12 + 3"], "leaked": ["9*9"]}


def test_one_gate_serves_all_calls_of_a_measurement() -> None:
    gates = [DuplicateGate()]
    assert admit(["1+2"], gates).accepted == ("1+2",)
    assert admit(["1+2", "3+4"], gates).accepted == ("3+4",)


@given(items=st.lists(st.text(max_size=6)))
def test_every_item_is_accepted_or_rejected_once(items: list[str]) -> None:
    admission = admit(items, [DuplicateGate(), HeldOutGate(["a"])])
    outcome = [*admission.accepted, *(rejection.text for rejection in admission.rejections)]
    assert sorted(outcome) == sorted(items)
    assert len({normalize(item) for item in admission.accepted}) == len(admission.accepted)


@given(text=st.text())
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    assert normalize(normalize(text)) == normalize(text)
