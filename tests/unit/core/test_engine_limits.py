"""What time, budget and an early end do to a run: a search ends with its last commit, and a result stays."""

from dataclasses import replace

import pytest
from engine_simulation import Host, SimulatedWorkers, drive, outline

from swarm_core.engine.decide import decide
from swarm_core.engine.phases import Phase
from swarm_core.engine.planning import Outline
from swarm_core.engine.state import EngineState, reopen
from swarm_core.engine.work import Cancel, CancelReason, Launch, Observations

PLAIN = outline(clusters=2)
SPENT = replace(PLAIN, spent="2.0 of 2.0 accelerator-hours are used")
OVERDUE = replace(PLAIN, overdue="ran for longer than 60 s")


def at_work(iteration: int) -> Host:
    """A host whose run measures `iteration`, which runs."""
    host = Host(SimulatedWorkers())
    while host.state.phase is not Phase.ITERATING or host.state.iteration < iteration or not host.site.running:
        for process in list(host.site.running):
            host.site.complete(process)
        host.act(decide(PLAIN, host.state, host.site.look(), host.site.now))
    return host


@pytest.mark.parametrize("last", [0, 1, 3])
def test_a_search_stops_after_the_iterations_it_is_allowed_and_concludes(last: int) -> None:
    host = at_work(iteration=last)
    for process in list(host.site.running):
        host.site.complete(process)
    decision = decide(replace(PLAIN, stop_after=last), host.state, host.site.look(), host.site.now)
    assert (decision.state.phase, decision.state.iteration) == (Phase.CONCLUDING, last)
    assert decision.state.stop == "StopAfter"
    host.site.last = last
    drive(host, replace(PLAIN, stop_after=last))
    assert (host.state.phase, host.state.iteration) == (Phase.SUCCEEDED, last)


def test_a_search_that_ends_by_itself_is_not_said_to_be_ended_by_a_limit() -> None:
    host = Host(SimulatedWorkers())
    drive(host, replace(PLAIN, stop_after=PLAIN.iterations, spent=""))
    assert host.state.stop == "Patience"


def test_a_search_that_is_past_its_new_end_goes_back_to_its_last_commit() -> None:
    host = at_work(iteration=4)
    decision = decide(replace(PLAIN, stop_after=2), host.state, host.site.look(), host.site.now)
    assert (decision.state.phase, decision.state.iteration, decision.state.stop) == (
        Phase.CONCLUDING,
        3,
        "StopAfter",
    )
    assert Cancel("iterate.generators.0004", CancelReason.UNWANTED, 1) in decision.actions


def test_a_spent_budget_ends_the_search_and_concludes_with_what_is_committed() -> None:
    host = at_work(iteration=2)
    decision = decide(SPENT, host.state, host.site.look(), host.site.now)
    assert (decision.state.phase, decision.state.iteration) == (Phase.CONCLUDING, 1)
    assert decision.state.stop == "Budget"
    (launch,) = [action for action in decision.actions if isinstance(action, Launch)]
    assert launch.item.parent == host.site.receipts["iterate.generators.0001"].outputs["commit"]


def test_an_iteration_that_is_done_counts_although_the_budget_is_spent() -> None:
    host = at_work(iteration=2)
    for process in list(host.site.running):
        host.site.complete(process)
    decision = decide(SPENT, host.state, host.site.look(), host.site.now)
    assert (decision.state.phase, decision.state.iteration) == (Phase.CONCLUDING, 2)


def test_a_budget_spent_before_anything_is_committed_fails_the_run() -> None:
    host = at_work(iteration=0)
    decision = decide(SPENT, host.state, host.site.look(), host.site.now)
    assert decision.state.failure is not None
    assert (decision.state.phase, str(decision.state.failure.reason)) == (Phase.FAILED, "BudgetExceeded")
    assert [type(action) for action in decision.actions] == [Cancel]


@pytest.mark.parametrize("iteration", [0, 3])
def test_a_run_whose_time_is_up_fails_and_can_be_reopened_with_more(iteration: int) -> None:
    host = at_work(iteration)
    decision = decide(OVERDUE, host.state, host.site.look(), host.site.now)
    assert decision.state.failure is not None
    assert (decision.state.phase, str(decision.state.failure.reason)) == (Phase.FAILED, "DeadlineExceeded")
    host.state = reopen(decision.state)
    drive(host, PLAIN)
    assert host.state.phase is Phase.SUCCEEDED


def test_a_result_that_exists_is_not_taken_away_by_a_limit() -> None:
    host = Host(SimulatedWorkers())
    while host.state.phase is not Phase.CONCLUDING:
        host.act(decide(PLAIN, host.state, host.site.look(), host.site.now))
        for process in list(host.site.running):
            host.site.complete(process)
    host.act(decide(PLAIN, host.state, host.site.look(), host.site.now))
    for process in list(host.site.running):
        host.site.complete(process)
    assert decide(OVERDUE, host.state, host.site.look(), host.site.now).state.phase is Phase.SUCCEEDED


@pytest.mark.parametrize("limited", [SPENT, OVERDUE], ids=["spent", "overdue"])
@pytest.mark.parametrize("phase", [Phase.SUCCEEDED, Phase.FAILED])
def test_a_limit_changes_nothing_about_a_run_that_is_over(limited: Outline, phase: Phase) -> None:
    state = EngineState(phase=phase, started=1.0, finished=2.0)
    assert decide(limited, state, Observations(), 3.0).state == state
