"""The fake world of the engine's fault tests, in three parts that die apart, and a run driven through it.

The *store* holds receipts, write-once, and survives everything. The *site* runs processes and shows what became of
them; it forgets when the host restarts. The *host* holds the engine's state; when it crashes it comes back with the
last state it saved, an older one, or none.

A fake iteration's commit is the sha256 of its parent and its index, so one digest proves the whole history.
"""

from dataclasses import dataclass, field, replace

from swarm_core.engine.decide import Decision, decide
from swarm_core.engine.phases import Phase
from swarm_core.engine.planning import Outline, Turn
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
    Observations,
    Receipt,
    Running,
    WorkItem,
)
from swarm_core.recipe import canonical_json, digest_bytes
from swarm_core.swarm_names import GENERATORS, RIVALS, TAKERS

ATTEMPTS = 4
DEADLINE = 100_000.0
"""Longer than all small time steps of one run together, so only a jump of the clock exceeds it."""
ITERATIONS = 6


TAKER_CLUSTERS = 2


def list_training(**clusters: int) -> tuple[tuple[str, int], ...]:
    """The adapters to be trained: so many of each swarm."""
    return tuple((swarm, index) for swarm, count in clusters.items() for index in range(count))


def take_turns(taker_clusters: int, trains: bool = True) -> tuple[Turn, ...]:
    """The turns of a round: generators move, takers are perhaps trained, takers move."""
    later = Turn(Kind.TRAIN, TAKERS, first_iteration=1, index_offset=taker_clusters - 1)
    return (Turn(), *([later] if trains else []), Turn(swarm=TAKERS))


def outline(clusters: int, game: bool = False) -> Outline:
    """A run of one swarm of so many clusters, or a game of it against takers that are trained between their turns."""
    training = list_training(generators=clusters)
    limits = {"attempts": ATTEMPTS, "item_deadline_seconds": DEADLINE}
    if not game:
        return Outline(ITERATIONS, training, **limits)
    others = list_training(**{TAKERS: TAKER_CLUSTERS, RIVALS: 1})
    return Outline(ITERATIONS, training + others, take_turns(TAKER_CLUSTERS), iteration_noun="round", **limits)


def carry_out(item: WorkItem, last: int, ends: str = GENERATORS) -> Receipt:
    """The result of the fake work, which depends on the item alone.

    The search stops when `ends` has moved in `last`.
    """
    digest = digest_bytes(canonical_json([str(item.kind), item.swarm, item.index, item.parent]))
    match item.kind:
        case Kind.PREPARE:
            return Receipt(item.key, {"experiment": digest})
        case Kind.TRAIN:
            return Receipt(item.key, {"adapter": digest})
        case Kind.ITERATE:
            best = int(digest[:8], 16) / 2**32
            stop = "Patience" if (item.index, item.swarm) == (last, ends) else ""
            return Receipt(item.key, {"commit": digest}, {"best": best, "mean": best / 3, "stop": stop, "items": 40})
        case Kind.CONCLUDE:
            return Receipt(item.key, {"result": digest}, {"gain": int(digest[:8], 16) / 2**32})


def predecessor_key(item: WorkItem, last: int, takers: int | None = None) -> str:
    """The key of the turn that an item follows; empty if it follows the experiment.

    `last` is the iteration before the conclusion. `takers` is the number of a game's taker clusters, None without a
    game.
    """
    ends = GENERATORS if takers is None else TAKERS
    match item.kind:
        case Kind.ITERATE if item.swarm == TAKERS:
            return f"iterate.generators.{item.index:04d}"
        case Kind.ITERATE:
            return f"iterate.{ends}.{item.index - 1:04d}" if item.index else ""
        case Kind.TRAIN:
            later = item.index - (takers or 0) + 1 if item.swarm == TAKERS else 0
            return f"iterate.generators.{later:04d}" if later > 0 else ""
        case Kind.CONCLUDE:
            return f"iterate.{ends}.{last:04d}"
        case Kind.PREPARE:
            return ""


Process = tuple[str, int]
"""Key and attempt."""


@dataclass
class SimulatedWorkers:
    """The store, and the processes of the work items."""

    last: int = ITERATIONS
    game: bool = False
    now: float = 1000.0
    receipts: dict[str, Receipt] = field(default_factory=dict)
    running: dict[Process, tuple[WorkItem, float]] = field(default_factory=dict)
    ended: dict[str, Done | Failed] = field(default_factory=dict)
    cancels: list[Cancel] = field(default_factory=list)

    def look(self) -> Observations:
        seen: dict[str, Observation] = dict(self.ended)
        for (key, attempt), (_, since) in sorted(self.running.items()):
            if isinstance(seen.get(key), Done):
                del self.running[key, attempt]
            else:
                seen[key] = Running(attempt, since)
        return Observations(seen)

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
        """Check that the predecessor of an item is in the store and is the one that the item names."""
        if item.kind is Kind.PREPARE:
            return
        assert item.parent == self.before(item)

    @property
    def ends(self) -> str:
        """The swarm that moves last in an iteration."""
        return TAKERS if self.game else GENERATORS

    def before(self, item: WorkItem) -> str:
        """The digest that an item must follow."""
        key = predecessor_key(item, self.last, TAKER_CLUSTERS if self.game else None)
        return self.receipts[key].outputs["commit"] if key else self.receipts["prepare"].outputs["experiment"]

    def deliver_cancels(self) -> None:
        for cancel in self.cancels:
            for key, attempt in list(self.running):
                if key == cancel.key and cancel.attempt in (None, attempt):
                    self.end((key, attempt), FailureReason.LOST)
        self.cancels.clear()

    def complete(self, process: Process) -> None:
        item, _ = self.running.pop(process)
        receipt = carry_out(item, self.last, self.ends)
        assert self.receipts.setdefault(item.key, receipt) == receipt, "two different results for one key"
        self.ended[item.key] = Done(receipt)

    def end(self, process: Process, reason: FailureReason) -> None:
        key, attempt = process
        del self.running[process]
        if not isinstance(self.ended.get(key), Done):
            self.ended[key] = Failed(attempt, reason, "as drawn", self.now)


class CrashError(Exception):
    """The host has crashed."""


@dataclass
class Host:
    """The engine's state, and every state that was saved."""

    site: SimulatedWorkers
    state: EngineState = field(default_factory=EngineState)
    saved: list[EngineState] = field(default_factory=lambda: [EngineState()])
    effects: int = 0

    def act(self, decision: Decision, save_first: bool = True, crash_after: int | None = None) -> None:
        """Save and apply the effects in order. A crash leaves the first `crash_after` of them done."""
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
    """Run to the end without faults. A failed run is started again, as its owner would do."""
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


def run_undisturbed(clusters: int, last: int, game: bool = False) -> EngineState:
    host = Host(SimulatedWorkers(last, game))
    drive(host, outline(clusters, game))
    return host.state


def without_times(state: EngineState) -> EngineState:
    """The part of a state that is the same in every run: everything except times and the numbers of attempts."""
    return replace(state, started=None, finished=None, floor=1)
