"""Whatever is lost, late, doubled or out of order: the same run, and nothing launched before its time.

The fake world has three parts that die apart. The *store* holds receipts, write-once, and survives everything. The
*site* runs processes and shows what became of them; it forgets when the host restarts. The *host* holds the engine's
state; when it crashes it comes back with the last state it saved, an older one, or none.

A fake iteration's commit is the sha256 of its parent and its index, so one digest proves the whole history.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from swarm_core.engine import phases
from swarm_core.engine.decide import RESYNC_SECONDS, Decision, decide
from swarm_core.engine.phases import Phase
from swarm_core.engine.plan import Outline
from swarm_core.engine.state import EngineState, reopen
from swarm_core.engine.work import (
    Action,
    Cancel,
    Done,
    Failed,
    FailureReason,
    Kind,
    Launch,
    Observation,
    Receipt,
    Running,
    WorkItem,
    World,
)
from swarm_core.recipe import canonical_json, digest_bytes

ATTEMPTS = 4
DEADLINE = 100_000.0
"""Longer than all small steps of time in one run together: only a jump of the clock passes it."""
ITERATIONS = 6


def outline(clusters: int, suspended: bool = False) -> Outline:
    return Outline(ITERATIONS, clusters, ATTEMPTS, DEADLINE, suspended)


def carry_out(item: WorkItem, last: int) -> Receipt:
    """What the fake work brings: a function of the item alone. The search stops at iteration `last`."""
    digest = digest_bytes(canonical_json([str(item.kind), item.index, item.parent]))
    match item.kind:
        case Kind.PREPARE:
            return Receipt(item.key, {"experiment": digest})
        case Kind.SEED:
            return Receipt(item.key, {"adapter": digest})
        case Kind.ITERATE:
            best = int(digest[:8], 16) / 2**32
            stop = "Patience" if item.index == last else ""
            return Receipt(item.key, {"commit": digest}, {"best": best, "mean": best / 3, "stop": stop, "items": 40})
        case Kind.CONCLUDE:
            return Receipt(item.key, {"result": digest}, {"gain": int(digest[:8], 16) / 2**32})


Process = tuple[str, int]
"""Key and attempt."""


@dataclass
class Site:
    """Store and processes."""

    last: int = ITERATIONS
    now: float = 1000.0
    receipts: dict[str, Receipt] = field(default_factory=dict)
    running: dict[Process, tuple[WorkItem, float]] = field(default_factory=dict)
    ended: dict[str, Done | Failed] = field(default_factory=dict)
    cancels: list[Cancel] = field(default_factory=list)

    def look(self) -> World:
        seen: dict[str, Observation] = dict(self.ended)
        for (key, attempt), (_, since) in sorted(self.running.items()):
            if isinstance(seen.get(key), Done):
                del self.running[key, attempt]
            else:
                seen[key] = Running(attempt, since)
        return World(seen)

    def apply(self, action: Action) -> None:
        match action:
            case Launch(item):
                self.check_launch(item)
                runs = any(key == item.key and attempt >= item.attempt for key, attempt in self.running)
                if not runs and not isinstance(self.ended.get(item.key), Done):
                    self.running[item.key, item.attempt] = (item, self.now)
            case Cancel():
                self.cancels.append(action)

    def check_launch(self, item: WorkItem) -> None:
        """What an item follows must stand in the store, and be what it names."""
        if item.kind is Kind.PREPARE:
            return
        experiment = self.receipts["prepare"].outputs["experiment"]
        if item.kind is Kind.SEED or (item.kind is Kind.ITERATE and item.index == 0):
            assert item.parent == experiment
            return
        before = item.index - 1 if item.kind is Kind.ITERATE else self.last
        assert item.parent == self.receipts[f"iterate.generators.{before:04d}"].outputs["commit"]

    def deliver_cancels(self) -> None:
        for cancel in self.cancels:
            for key, attempt in list(self.running):
                if key == cancel.key and cancel.attempt in (None, attempt):
                    self.end((key, attempt), FailureReason.LOST)
        self.cancels.clear()

    def complete(self, process: Process) -> None:
        item, _ = self.running.pop(process)
        receipt = carry_out(item, self.last)
        assert self.receipts.setdefault(item.key, receipt) == receipt, "two different results for one key"
        self.ended[item.key] = Done(receipt)

    def end(self, process: Process, reason: FailureReason) -> None:
        key, attempt = process
        del self.running[process]
        if not isinstance(self.ended.get(key), Done):
            self.ended[key] = Failed(attempt, reason, "as drawn", self.now)


class CrashError(Exception):
    """The host is gone."""


@dataclass
class Host:
    """The engine's state, and every state ever saved."""

    site: Site
    state: EngineState = field(default_factory=EngineState)
    saved: list[EngineState] = field(default_factory=lambda: [EngineState()])
    effects: int = 0

    def act(self, decision: Decision, save_first: bool = True, crash_after: int | None = None) -> None:
        """Save and apply, one effect after the other; a crash leaves the first `crash_after` of them done."""
        effects: list[EngineState | Action] = [decision.state, *decision.actions]
        for number, effect in enumerate(effects if save_first else [*effects[1:], effects[0]]):
            if number == crash_after:
                raise CrashError
            self.effects += 1
            if isinstance(effect, EngineState):
                self.saved.append(effect)
            else:
                self.site.apply(effect)
        self.state = decision.state

    def restart(self, back: int, forgets: bool) -> None:
        """Come back with the state saved `back` saves ago."""
        self.state = EngineState.from_json(self.saved[max(0, len(self.saved) - 1 - back)].to_json())
        if forgets:
            self.site.ended.clear()


def drive(host: Host, plan: Outline) -> None:
    """Run to the end without faults; a failed run is run again, as its owner would."""
    reopened = 0
    for _ in range(200):
        if host.state.phase is Phase.FAILED:
            reopened += 1
            assert reopened <= 10, host.state.failure
            host.state = reopen(host.state)
        decision = decide(plan, host.state, host.site.look(), host.site.now)
        host.act(decision)
        if decision.wake_after is None and not decision.actions and host.state.phase is Phase.SUCCEEDED:
            return
        host.site.deliver_cancels()
        for process in list(host.site.running):
            host.site.complete(process)
        host.site.now += decision.wake_after or 0.0
    raise AssertionError(f"not over after 200 decisions: {host.state}")


def undisturbed(clusters: int, last: int) -> EngineState:
    host = Host(Site(last))
    drive(host, outline(clusters))
    return host.state


def timeless(state: EngineState) -> EngineState:
    """What must be the same in every run: all but the times, and the numbers that attempts began with."""
    return replace(state, started=None, finished=None, floor=1)


@pytest.mark.parametrize(("clusters", "last"), list(product((0, 3), range(ITERATIONS + 1))))
def test_an_undisturbed_run_succeeds_whatever_its_outline(clusters: int, last: int) -> None:
    state = undisturbed(clusters, last)
    assert (state.phase, state.iteration) == (Phase.SUCCEEDED, last)


def test_the_fake_run_has_the_history_it_should() -> None:
    state = undisturbed(clusters=3, last=2)
    assert [point.iteration for point in state.search.history] == [0, 1, 2]
    assert (state.phase, state.search.stop, state.search.items) == (Phase.SUCCEEDED, "Patience", 120)


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
def test_a_crash_between_any_two_effects_changes_nothing(save_first: bool, back: int, forgets: bool) -> None:
    plain = Host(Site())
    drive(plain, outline(clusters=3))
    assert plain.effects == 23  # eleven decisions saved, twelve items launched
    for left in range(plain.effects):
        host = Clumsy(Site(), left=left, back=back, forgets=forgets, save_first=save_first)
        drive(host, outline(clusters=3))
        assert host.left < 0
        assert timeless(host.state) == timeless(plain.state)
        assert host.site.receipts == plain.site.receipts


@pytest.mark.parametrize("kind", [FailureReason.LOST, FailureReason.ERROR])
def test_an_attempt_that_fails_anywhere_is_made_again_and_changes_nothing(kind: FailureReason) -> None:
    plain = undisturbed(clusters=2, last=ITERATIONS)
    keys = ["prepare", *(f"seed.generators.{index:03d}" for index in range(2)), "conclude"]
    for key in [*keys, *(f"iterate.generators.{index:04d}" for index in range(ITERATIONS + 1))]:
        host = Host(Site())
        while (key, 1) not in host.site.running:
            host.act(decide(outline(2), host.state, host.site.look(), host.site.now))
            for process in set(host.site.running) - {(key, 1)}:
                host.site.complete(process)
        host.site.end((key, 1), kind)
        drive(host, outline(2))
        assert timeless(host.state) == timeless(plain)


def test_two_hosts_that_take_turns_on_states_of_their_own_end_in_the_same_run() -> None:
    site = Site()
    hosts = Host(site), Host(site)
    for _ in range(60):
        for host in hosts:
            host.act(decide(outline(3), host.state, site.look(), site.now))
        for process in list(site.running):
            site.complete(process)
    assert all(timeless(host.state) == timeless(undisturbed(3, ITERATIONS)) for host in hosts)


INDEX = st.integers(0, 7)


class Faults(RuleBasedStateMachine):
    """Every fault the engine is promised to survive, in any order."""

    @initialize(clusters=st.sampled_from([0, 3]), last=st.integers(0, ITERATIONS), turns=st.integers(0, 6))
    def begin(self, clusters: int, last: int, turns: int) -> None:
        self.outline = outline(clusters)
        self.site = Site(last)
        self.host = Host(self.site)
        self.views = [World()]
        self.mishaps = 0
        self.bad_inputs = 0
        self.reopened = 0
        self.the_run_goes_on(turns)

    def pick(self, index: int) -> Process:
        running = sorted(self.site.running)
        return running[index % len(running)]

    def decide_on(self, view: World, save_first: bool, crash_after: int | None) -> None:
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

    def check(self, decision: Decision, view: World) -> None:
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
        self.decide_on(World({key: seen for key, seen in chosen.items() if seen is not None}), True, None)

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
        done = sorted(int(key[-4:]) for key in self.site.receipts if key.startswith("iterate"))
        assert done == list(range(len(done)))

    def teardown(self) -> None:
        if not hasattr(self, "outline"):
            return
        drive(self.host, replace(self.outline, suspended=False))
        assert timeless(self.host.state) == timeless(undisturbed(self.outline.clusters, self.site.last))
        assert not self.site.running


Faults.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestWhateverFailsTheRunEndsTheSame = Faults.TestCase
