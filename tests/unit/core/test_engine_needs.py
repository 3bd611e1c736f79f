"""What work items need: carried with them, no part of their names, and known for every kind before a run begins."""

import pytest
from engine_simulation import list_training

from swarm_core.engine import planning
from swarm_core.engine.phases import Phase
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import EngineState
from swarm_core.engine.work import Kind, Needs, WorkItem
from swarm_core.recipe import digest_bytes

TRAINING, ASKING = Needs(accelerator=True), Needs(servers=("a", "b"))
OUTLINE = Outline(
    iterations=1,
    training=list_training(generators=2),
    needs={Kind.TRAIN: TRAINING, Kind.ITERATE: ASKING, Kind.CONCLUDE: ASKING},
)


def test_an_item_without_words_to_the_contrary_needs_nothing() -> None:
    assert WorkItem(Kind.PREPARE).needs == Needs(accelerator=False, servers=())


@pytest.mark.parametrize("needs", [Needs(), TRAINING, ASKING], ids=str)
def test_needs_travel_with_an_item_and_do_not_change_its_key(needs: Needs) -> None:
    item = WorkItem(Kind.TRAIN, index=3, needs=needs)
    assert WorkItem.from_json(item.to_json()) == item
    assert item.key == "train.generators.003"


def test_an_item_that_would_hold_accelerators_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"accelerator and servers \['a'\].*split the item"):
        Needs(accelerator=True, servers=("a",))


@pytest.mark.parametrize(
    ("phase", "needs"),
    [
        (Phase.PREPARING, Needs()),
        (Phase.SEEDING, TRAINING),
        (Phase.ITERATING, ASKING),
        (Phase.CONCLUDING, ASKING),
    ],
)
def test_every_item_of_a_phase_says_what_its_kind_needs(phase: Phase, needs: Needs) -> None:
    state = EngineState(phase=phase, experiment=digest_bytes(b"e"), commit=digest_bytes(b"c"))
    assert {item.needs for item in planning.list_pending_items(OUTLINE, state)} == {needs}


def test_an_outline_knows_its_kinds_of_work_and_every_server_that_is_asked() -> None:
    assert OUTLINE.kinds == (Kind.PREPARE, Kind.TRAIN, Kind.ITERATE, Kind.CONCLUDE)
    assert OUTLINE.servers == ("a", "b")
    assert Outline(iterations=1).servers == ()
    given = Outline(iterations=1, needs={Kind.TRAIN: Needs(servers=("c",))})
    assert given.servers == (), "nothing is trained, so nobody asks that server"
