"""Whatever is lost, late, doubled or out of order: the same run, and nothing launched before its time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import pytest
from engine_simulation import (
    ATTEMPTS,
    DEADLINE,
    ITERATIONS,
    CrashError,
    Host,
    Process,
    SimulatedWorkers,
    drive,
    outline,
    run_undisturbed,
    without_times,
)
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from swarm_core.engine import phases
from swarm_core.engine.decide import RESYNC_SECONDS, Decision, decide
from swarm_core.engine.phases import Phase
from swarm_core.engine.state import EngineState, reopen
from swarm_core.engine.work import FailureReason, Launch, Observations, Running
from swarm_core.swarm_names import GENERATORS


@pytest.mark.parametrize(("clusters", "last", "game"), list(product((0, 3), range(ITERATIONS + 1), (False, True))))
def test_an_undisturbed_run_succeeds_whatever_its_outline(clusters: int, last: int, game: bool) -> None:
    state = run_undisturbed(clusters, last, game)
    assert (state.phase, state.iteration) == (Phase.SUCCEEDED, last)


def test_the_fake_run_has_the_history_it_should() -> None:
    state = run_undisturbed(clusters=3, last=2)
    assert [point.iteration for point in state.search(GENERATORS).history] == [0, 1, 2]
    assert (state.phase, state.stop, state.search(GENERATORS).items) == (Phase.SUCCEEDED, "Patience", 120)


@dataclass
class Clumsy(Host):
    """A host that crashes once, when `left` effects are done, and then comes back `back` saves earlier."""

    left: int = 0
    back: int = 0
    forgets: bool = False
    save_first: bool = True

    def act(self, decision: Decision, save_first: bool = True, crash_after: int | None = None) -> None:
        crash = self.left if 0 <= self.left <= len(decision.actions) else None
        self.left -= 1 + len(decision.actions)
        try:
            super().act(decision, self.save_first, crash)
        except CrashError:
            self.restart(self.back, self.forgets)


@pytest.mark.parametrize("save_first", [True, False], ids=["saves, then acts", "acts, then saves"])
@pytest.mark.parametrize("back", [0, 3, 1000], ids=["last save kept", "three saves lost", "everything lost"])
@pytest.mark.parametrize("forgets", [False, True], ids=["world kept", "world forgotten"])
@pytest.mark.parametrize("game", [False, True], ids=["one swarm", "two swarms"])
def test_a_crash_between_any_two_effects_changes_nothing(
    save_first: bool, back: int, forgets: bool, game: bool
) -> None:
    plain = Host(SimulatedWorkers(game=game))
    drive(plain, outline(3, game))
    assert plain.effects == (52 if game else 23)  # 24 decisions saved and 28 items launched; 11 and 12
    for left in range(plain.effects):
        host = Clumsy(SimulatedWorkers(game=game), left=left, back=back, forgets=forgets, save_first=save_first)
        drive(host, outline(3, game))
        assert host.left < 0
        assert without_times(host.state) == without_times(plain.state)
        assert host.site.receipts == plain.site.receipts


@pytest.mark.parametrize("kind", [FailureReason.LOST, FailureReason.ERROR])
def test_an_attempt_that_fails_anywhere_is_made_again_and_changes_nothing(kind: FailureReason) -> None:
    plain = run_undisturbed(clusters=2, last=ITERATIONS)
    keys = ["prepare", *(f"train.generators.{index:03d}" for index in range(2)), "conclude"]
    for key in [*keys, *(f"iterate.generators.{index:04d}" for index in range(ITERATIONS + 1))]:
        host = Host(SimulatedWorkers())
        while (key, 1) not in host.site.running:
            host.act(decide(outline(2), host.state, host.site.look(), host.site.now))
            for process in set(host.site.running) - {(key, 1)}:
                host.site.complete(process)
        host.site.end((key, 1), kind)
        drive(host, outline(2))
        assert without_times(host.state) == without_times(plain)


def test_two_hosts_that_take_turns_on_states_of_their_own_end_in_the_same_run() -> None:
    site = SimulatedWorkers()
    hosts = Host(site), Host(site)
    for _ in range(60):
        for host in hosts:
            host.act(decide(outline(3), host.state, site.look(), site.now))
        for process in list(site.running):
            site.complete(process)
    assert all(without_times(host.state) == without_times(run_undisturbed(3, ITERATIONS)) for host in hosts)


INDEX = st.integers(0, 7)


class Faults(RuleBasedStateMachine):
    """Every fault the engine is promised to survive, in any order."""

    @initialize(
        clusters=st.sampled_from([0, 3]), last=st.integers(0, ITERATIONS), turns=st.integers(0, 6), game=st.booleans()
    )
    def begin(self, clusters: int, last: int, turns: int, game: bool) -> None:
        self.clusters, self.outline = clusters, outline(clusters, game)
        self.site = SimulatedWorkers(last, game)
        self.host = Host(self.site)
        self.views = [Observations()]
        self.mishaps = 0
        self.bad_inputs = 0
        self.reopened = 0
        self.the_run_goes_on(turns)

    def pick(self, index: int) -> Process:
        running = sorted(self.site.running)
        return running[index % len(running)]

    def decide_on(self, view: Observations, save_first: bool, crash_after: int | None) -> None:
        before = self.host.state
        decision = decide(self.outline, before, view, self.site.now)
        self.check(decision, view)
        self.check_attempts(before, decision.state)
        try:
            self.host.act(decision, save_first, crash_after)
        except CrashError:
            self.host.restart(0, forgets=True)

    def notice(self, seen: bool) -> None:
        """Perhaps see what happened at once, and wait until something can be done about it."""
        if seen:
            self.decide_on(self.site.look(), save_first=True, crash_after=None)
            self.site.deliver_cancels()
            self.time_passes(30.0)

    def check(self, decision: Decision, view: Observations) -> None:
        state, now = decision.state, self.site.now
        again = decide(self.outline, state, view, now)
        assert (again.state, again.actions) == (state, decision.actions)
        assert EngineState.from_json(state.to_json()) == state
        launched = [action.item for action in decision.actions if isinstance(action, Launch)]
        keys = [action.item.key if isinstance(action, Launch) else action.key for action in decision.actions]
        assert len(keys) == len(set(keys)), "one action per key"
        for item in launched:
            assert not isinstance(view.items.get(item.key), Running), "never beside an attempt seen running"
        over = state.phase in phases.TERMINAL
        if over or self.outline.suspended:
            assert set(keys) == {key for key, seen in view.items.items() if isinstance(seen, Running)}
            assert not launched
        assert (decision.wake_after is None) == over
        if decision.wake_after is not None:
            deadlines = [item.deadline_seconds for item in launched]
            assert 0 <= decision.wake_after <= min([RESYNC_SECONDS, *deadlines])
        if not self.bad_inputs:
            assert state.phase is not Phase.FAILED, state.failure

    def check_attempts(self, before: EngineState, state: EngineState) -> None:
        """Only a failure, a deadline or a reopening raises a number, once each; nothing lowers it."""
        for key, attempt in state.attempts.items():
            least = before.attempt(key).number if before.phase is state.phase else 1
            assert least <= attempt.number <= 1 + self.mishaps + self.reopened

    @rule(crash_after=st.none() | st.integers(0, 3), save_first=st.booleans())
    def decide_on_what_is(self, crash_after: int | None, save_first: bool) -> None:
        self.decide_on(self.site.look(), save_first, crash_after)

    @rule(index=INDEX)
    def decide_on_something_old(self, index: int) -> None:
        self.decide_on(self.views[index % len(self.views)], save_first=True, crash_after=None)

    @rule(picks=st.lists(INDEX, min_size=10, max_size=10))
    def decide_on_news_out_of_order(self, picks: Sequence[int]) -> None:
        keys = sorted({key for view in self.views for key in view.items})
        chosen = {
            key: self.views[index % len(self.views)].items.get(key) for key, index in zip(keys, picks, strict=False)
        }
        self.decide_on(Observations({key: seen for key, seen in chosen.items() if seen is not None}), True, None)

    @rule()
    def keep_this_view_for_later(self) -> None:
        self.views = [*self.views, self.site.look()][-8:]

    @rule(back=st.integers(0, 12), forgets=st.booleans())
    def the_host_restarts_with_an_older_state(self, back: int, forgets: bool) -> None:
        self.host.restart(back, forgets)

    @precondition(lambda self: self.site.running)
    @rule(index=INDEX, seen=st.booleans())
    def an_item_is_done(self, index: int, seen: bool) -> None:
        self.site.complete(self.pick(index))
        self.notice(seen)

    @rule(turns=st.integers(1, 2))
    def the_run_goes_on(self, turns: int) -> None:
        for _ in range(turns):
            self.decide_on(self.site.look(), save_first=True, crash_after=None)
            self.site.deliver_cancels()
            for process in list(self.site.running):
                self.site.complete(process)

    @precondition(lambda self: self.site.running)
    @rule(index=INDEX, seen=st.booleans())
    def a_process_is_killed(self, index: int, seen: bool) -> None:
        self.site.end(self.pick(index), FailureReason.LOST)
        self.notice(seen)

    @precondition(lambda self: self.site.running and self.mishaps < ATTEMPTS - 1)
    @rule(index=INDEX, seen=st.booleans())
    def an_attempt_fails(self, index: int, seen: bool) -> None:
        self.mishaps += 1
        self.site.end(self.pick(index), FailureReason.ERROR)
        self.notice(seen)

    @precondition(lambda self: self.site.running and self.mishaps < ATTEMPTS - 1)
    @rule(seen=st.booleans())
    def the_clock_jumps_past_every_deadline(self, seen: bool) -> None:
        self.mishaps += 1
        self.site.now += DEADLINE
        self.notice(seen)

    @precondition(lambda self: self.site.running and self.bad_inputs < 2)
    @rule(index=INDEX, seen=st.booleans())
    def the_input_turns_out_bad(self, index: int, seen: bool) -> None:
        self.bad_inputs += 1
        self.site.end(self.pick(index), FailureReason.BAD_INPUT)
        self.notice(seen)

    @precondition(lambda self: self.host.state.phase is Phase.FAILED)
    @rule()
    def the_owner_runs_a_failed_run_again(self) -> None:
        self.reopened += 1
        self.host.state = reopen(self.host.state)
        self.host.saved.append(self.host.state)
        self.decide_on(self.site.look(), save_first=True, crash_after=None)

    @rule()
    def cancels_arrive(self) -> None:
        self.site.deliver_cancels()

    @rule(seconds=st.sampled_from([5.0, 30.0, 300.0]))
    def time_passes(self, seconds: float) -> None:
        self.site.now += seconds
        self.decide_on(self.site.look(), save_first=True, crash_after=None)

    @rule()
    def the_owner_suspends_or_resumes(self) -> None:
        self.outline = replace(self.outline, suspended=not self.outline.suspended)

    @invariant()
    def no_iteration_is_committed_before_the_one_it_follows(self) -> None:
        done = sorted((int(key[-4:]), key.split(".")[1]) for key in self.site.receipts if key.startswith("iterate"))
        swarms = ("generators", "takers") if self.site.game else ("generators",)
        assert done == list(product(range(ITERATIONS + 1), swarms))[: len(done)]

    def teardown(self) -> None:
        if not hasattr(self, "outline"):
            return
        drive(self.host, replace(self.outline, suspended=False))
        assert without_times(self.host.state) == without_times(
            run_undisturbed(self.clusters, self.site.last, self.site.game)
        )
        assert not self.site.running


Faults.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestWhateverFailsTheRunEndsTheSame = Faults.TestCase
