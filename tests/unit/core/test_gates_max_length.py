"""Long items are rejected, with how long they are."""

import pytest
import swarmrun_documents as documents

from swarm_core import plugins
from swarm_core.api import loading, parts, resolution
from swarm_core.errors import BadInputError
from swarm_core.gates.max_length import MaxLengthGate
from swarm_core.items import Item


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


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({}, "'characters' is missing"),
        ({"characters": 0}, "'characters' is 0; give 1 or more"),
        ({"most": 3}, "'most' is unknown"),
    ],
    ids=str,
)
def test_a_config_that_cannot_work_is_refused(config: dict[str, object], told: str) -> None:
    with pytest.raises(BadInputError, match=f"gate MaxLength: config field {told}"):
        plugins.build("gates", "MaxLength", config)


def test_the_limit_of_the_spec_reaches_the_gate() -> None:
    document = documents.patched({"spec.gates": [{"type": "MaxLength", "maxLength": {"characters": 7}}]})
    (use,) = parts.list_gates(resolution.resolve(loading.from_object(document, "run.yaml")))
    gate = parts.build(use)
    assert (type(gate), gate.characters) == (MaxLengthGate, 7)
