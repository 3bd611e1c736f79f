"""No way to cheat that is known pays, for any objective of the catalog and for weighted sums of them.

A new objective is in this matrix by itself. A new way to cheat is a line in `known_cheats`.
"""

from dataclasses import replace

import pytest
from cheating_generators import (
    DEFENSES,
    FITNESSES,
    HONEST,
    ITEMS,
    NOTHING,
    SUMS,
    Cheat,
    compose_sum,
    examine_cheat,
    find_fitness,
    list_objectives,
)
from known_cheats import LISTS, REJECTED, REPEATED, SILENT, TRICKS, UNSCORED, WITHOUT_TRICK

from swarm_core.objectives import intervals

ROUNDING = 1e-12
EVERY_FITNESS = pytest.mark.parametrize("fitness", FITNESSES)
EVERY_DOSE = pytest.mark.parametrize("dose", ["light", "heavy"])


@pytest.fixture(autouse=True)
def few_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals need many halves of a sample, and values need none."""
    monkeypatch.setattr(intervals, "HALVES", 2)


def check_equal(fitness: str, cheat: Cheat, other: Cheat, dose: str) -> None:
    """Check that two generators have the same fitness."""
    expected = find_fitness(fitness, other, dose)
    assert expected is not None
    assert find_fitness(fitness, cheat, dose) == pytest.approx(expected, abs=ROUNDING)


@EVERY_FITNESS
@EVERY_DOSE
@pytest.mark.parametrize("cheat", REJECTED, ids=str)
def test_items_that_no_taker_gets_are_worth_what_nothing_is_worth(cheat: Cheat, dose: str, fitness: str) -> None:
    check_equal(fitness, cheat, NOTHING, dose)


@pytest.mark.parametrize("cheat", REJECTED, ids=str)
def test_without_gates_the_same_items_would_change_a_fitness(cheat: Cheat) -> None:
    undefended = replace(cheat, without=DEFENSES)
    changed = [
        name
        for name in list_objectives()
        if find_fitness(name, undefended, "heavy") != find_fitness(name, NOTHING, "heavy")
    ]
    assert changed or cheat.name in ("empty items", "items of invisible characters")


@EVERY_FITNESS
@EVERY_DOSE
@pytest.mark.parametrize("cheat", TRICKS, ids=str)
def test_texts_that_tell_a_judge_what_to_do_are_worth_nothing(cheat: Cheat, dose: str, fitness: str) -> None:
    check_equal(fitness, cheat, WITHOUT_TRICK, dose)


@EVERY_FITNESS
@pytest.mark.parametrize("cheat", LISTS, ids=str)
def test_what_stands_around_a_list_is_worth_nothing(cheat: Cheat, fitness: str) -> None:
    check_equal(fitness, cheat, HONEST, "whole")


@EVERY_FITNESS
@pytest.mark.parametrize("cheat", SILENT, ids=str)
def test_a_generator_of_no_item_has_the_lowest_fitness(cheat: Cheat, fitness: str) -> None:
    zeros = dict.fromkeys(list_objectives(), 0.0)
    lowest = compose_sum(zeros, SUMS[fitness]) if fitness in SUMS else 0.0
    assert find_fitness(fitness, cheat, "whole") == lowest


@EVERY_FITNESS
@EVERY_DOSE
@pytest.mark.parametrize("cheat", UNSCORED, ids=str)
def test_items_without_a_score_are_worth_what_nothing_is_worth_and_too_many_leave_no_fitness(
    cheat: Cheat, dose: str, fitness: str
) -> None:
    if dose == "light":
        check_equal(fitness, cheat, NOTHING, dose)
    else:
        assert find_fitness(fitness, cheat, dose) is None


def test_items_that_come_back_in_every_repeat_are_not_consistent() -> None:
    for cheat in REPEATED:
        assert find_fitness("Consistency", cheat, "whole") == 0.0


def test_near_copies_are_items_unless_a_gate_has_a_similarity() -> None:
    """The known way to cheat that `similarity` ends: items of one template are near copies, too."""
    near = next(cheat for cheat in REJECTED if cheat.name == "near copies, with a similarity")
    for gates, accepted in ((None, ITEMS), (near.gates, ITEMS * 3 // 5)):
        assert len(examine_cheat(replace(near, gates=gates), "heavy", 1).items) == accepted


def test_items_that_every_taker_can_do_are_consistent_and_a_floor_ranks_them_below_honest_ones() -> None:
    """The known way to cheat in `Consistency`: what never varies is as consistent as can be."""
    consistent, honest = (find_fitness("Consistency", cheat, "whole") for cheat in (WITHOUT_TRICK, HONEST))
    assert honest is not None
    assert consistent is not None
    assert honest < consistent
    floored, better = (find_fitness("Weighted with floors", cheat, "whole") for cheat in (WITHOUT_TRICK, HONEST))
    assert floored is not None
    assert better is not None
    assert floored < 0.0 < better
