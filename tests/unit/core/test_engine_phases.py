"""The table of phases: every pair of phase and fact is either a line of it or refused by name."""

from itertools import product

import pytest

from swarm_core.engine import phases
from swarm_core.engine.phases import TERMINAL, TRANSITIONS, Fact, IllegalFactError, Phase

LINES = {
    ("Pending", "Accepted"): "Preparing",
    ("Preparing", "Prepared"): "Seeding",
    ("Seeding", "Seeded"): "Iterating",
    ("Iterating", "Committed"): "Iterating",
    ("Iterating", "Searched"): "Concluding",
    ("Concluding", "Concluded"): "Succeeded",
    ("Preparing", "Exhausted"): "Failed",
    ("Seeding", "Exhausted"): "Failed",
    ("Iterating", "Exhausted"): "Failed",
    ("Concluding", "Exhausted"): "Failed",
}


@pytest.mark.parametrize(("phase", "fact"), list(product(Phase, Fact)))
def test_a_fact_leads_on_exactly_where_the_table_says_so(phase: Phase, fact: Fact) -> None:
    if (phase, fact) in LINES:
        assert phases.transition(phase, fact) == LINES[phase, fact]
    else:
        with pytest.raises(IllegalFactError, match=f"fact {fact} in phase {phase}: not in the table"):
            phases.transition(phase, fact)


def test_the_table_has_no_further_lines() -> None:
    assert len(TRANSITIONS) == len(LINES)


def test_an_illegal_fact_is_refused_with_the_legal_ones_named() -> None:
    with pytest.raises(IllegalFactError, match=r"legal there: Committed, Searched, Exhausted$"):
        phases.transition(Phase.ITERATING, Fact.SEEDED)


def test_nothing_leads_out_of_a_terminal_phase_and_every_other_phase_has_a_way_out() -> None:
    left = {phase for phase, fact in TRANSITIONS if TRANSITIONS[phase, fact] is not phase}
    assert left == set(Phase) - TERMINAL


def test_every_phase_is_reached_from_pending() -> None:
    reached = {Phase.PENDING}
    for _ in Phase:
        reached |= {to for (start, _fact), to in TRANSITIONS.items() if start in reached}
    assert reached == set(Phase)
