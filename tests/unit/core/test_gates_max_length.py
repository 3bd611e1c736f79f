"""Long items are rejected, with how long they are."""

import pytest
import swarmrun_documents as documents

from swarm_core import plugins
from swarm_core.api import loading, parts, resolution
from swarm_core.errors import BadInputError
from swarm_core.gates.gate_context import GateContext
from swarm_core.gates.max_length import MaxLengthGate
from swarm_core.items import Item
from swarm_core.judges.arithmetic import ArithmeticJudge


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("12345", None),
        (" 12345\n", None),
        ("ééééé", None),
        ("123456", "6 characters; at most 5 are admitted"),
        ("", None),
    ],
)
def test_an_item_is_admitted_up_to_the_limit(text: str, why: str | None) -> None:
    gate = MaxLengthGate(5)
    assert gate.requests(Item(text)) == ()
    assert gate.refusal(Item(text)) == why


def test_equal_items_are_all_admitted_because_it_holds_nothing() -> None:
    gate = MaxLengthGate(5)
    assert [gate.refusal(Item("1+1")) for _ in range(2)] == [None, None]


@pytest.mark.parametrize("config", [{"characters": 0}, {"most": 3}], ids=str)
def test_settings_that_cannot_work_are_refused(config: dict[str, object]) -> None:
    with pytest.raises(BadInputError, match=f"gate MaxLength: {next(iter(config))}: "):
        plugins.build_part("gates", "MaxLength", config, GateContext(ArithmeticJudge()))


def test_the_limit_of_the_spec_reaches_the_gate() -> None:
    document = documents.patched({"spec.gates": [{"type": "MaxLength", "maxLength": {"characters": 7}}]})
    (use,) = parts.list_gates(resolution.resolve_run(loading.parse_object(document, "run.yaml")))
    gate = parts.build_spec_part(use, GateContext(ArithmeticJudge()))
    assert (type(gate), gate.characters) == (MaxLengthGate, 7)
