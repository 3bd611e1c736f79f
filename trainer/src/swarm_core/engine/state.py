"""What the engine remembers of a run: a frozen value of a few kilobytes, saved by the host, exact as JSON.

It is a memory, never the truth: everything but the times can be derived again from the receipts, so a host that lost
the last saves, or all of them, ends in the same result. All lists are bounded: attempts and finished keys are those of
the current phase only, history and messages are cut.

Invariants: attempt numbers of a key never fall; `floor` is the number that attempts begin with, so `number - floor` of
them have failed. Reopening raises the floor over every number used, and whatever was observed of lower attempts is old
news from then on, be it of an item whose failure was never seen.

Limits: knows coefficients and scores only as digests and a few numbers for people. JSON of another version that has
other fields is refused, not guessed at.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pydantic import ConfigDict, TypeAdapter, ValidationError

from swarm_core.engine import phases
from swarm_core.engine.phases import Fact, Phase
from swarm_core.engine.work import FailureReason
from swarm_core.recipe import Digest

HISTORY_LENGTH = 20
"""Iterations kept for a glance at the curve; the whole history is an artefact in the store."""
MESSAGE_LENGTH = 1000
"""Longest message kept, in characters: a status object is read by people and stored in etcd."""
STRICT_CONFIG = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The attempt of an item that counts now; every lower one is over."""

    number: int
    not_before: float = 0.0
    """When it may start, on the host's clock."""
    losses: int = 0
    """How often in a row its process was lost."""
    lost_at: float = 0.0
    """When it was last lost; a loss that is not later was counted before."""
    message: str = ""
    """Why the attempt before it failed."""
    __pydantic_config__ = STRICT_CONFIG


@dataclass(frozen=True, slots=True)
class RunFailure:
    """Why a run failed."""

    phase: Phase
    """Where it stood, and where it goes on when reopened."""
    key: str
    """The item that could not be done."""
    reason: FailureReason
    message: str
    __pydantic_config__ = STRICT_CONFIG


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """One iteration of the history."""

    iteration: int
    best: float | None
    mean: float | None
    held_out: float | None = None
    """What the best scored on data that neither swarm has seen, where another swarm is the adversary."""
    __pydantic_config__ = STRICT_CONFIG


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """What the search has found so far, as its last commit tells it."""

    best: float | None = None
    best_particle: str = ""
    best_recipe: str = ""
    initial: float | None = None
    stop: str = ""
    """The rule that ended the search; empty while it goes on."""
    fitness: tuple[tuple[str, float | None], ...] = ()
    """The last iteration's particles by name, in order; None is unscored."""
    items: int = 0
    """Accepted items over all iterations; likewise `rejected` items and `unscored` answers."""
    rejected: int = 0
    unscored: int = 0
    history: tuple[HistoryPoint, ...] = ()
    held_out: float | None = None
    """Where another swarm is the adversary: what the best scores on data that neither swarm has seen."""
    __pydantic_config__ = STRICT_CONFIG


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the conclusion says, measured on fresh data."""

    result: Digest
    best: float | None = None
    initial: float | None = None
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    best_particle: str = ""
    """Who found the generator that was chosen: a finalist, and not always the one that the search held for the best."""
    best_recipe: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    """Every other number of the receipt, by its name: what a program that does not search concludes with."""
    __pydantic_config__ = STRICT_CONFIG


@dataclass(frozen=True, slots=True)
class EngineState:
    """One run, as the engine left it."""

    phase: Phase = Phase.PENDING
    iteration: int = 0
    """The iteration in work, or the last one after the search; 0 measures the start."""
    experiment: Digest | None = None
    commit: Digest | None = None
    """The last commit; None before the first."""
    done: tuple[str, ...] = ()
    """Keys of the current phase whose receipts are absorbed, sorted."""
    attempts: Mapping[str, Attempt] = field(default_factory=dict)
    """By key, for items of the current phase about which there is something to remember."""
    floor: int = 1
    started: float | None = None
    finished: float | None = None
    failure: RunFailure | None = None
    searches: Mapping[str, SearchProgress] = field(default_factory=dict)
    """What each swarm that has moved has found, by the name of the swarm."""
    limit: str = ""
    """The limit of the run that ended its search; empty where none did."""
    outcome: Outcome | None = None
    __pydantic_config__ = STRICT_CONFIG

    def attempt(self, key: str) -> Attempt:
        """The attempt of `key` that counts now."""
        return self.attempts.get(key, Attempt(self.floor))

    def search(self, swarm: str) -> SearchProgress:
        """What a swarm has found so far; nothing before it has moved."""
        return self.searches.get(swarm, SearchProgress())

    @property
    def stop(self) -> str:
        """The rule or the limit that ended the run's search, of whichever swarm; empty while it goes on."""
        return self.limit or next((search.stop for search in self.searches.values() if search.stop), "")

    def to_json(self) -> str:
        return _TYPE_ADAPTER.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> "EngineState":
        """Exactly the state that `to_json` wrote. Raises ValueError for anything else."""
        try:
            return _TYPE_ADAPTER.validate_json(text, strict=True)
        except ValidationError as error:
            first = error.errors()[0]
            what = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}".lstrip(": ")
            raise ValueError(f"engine state: {what}; remove it, and the run is derived from its receipts") from error


_TYPE_ADAPTER = TypeAdapter(EngineState)


def record_attempt(state: EngineState, key: str, attempt: Attempt) -> EngineState:
    """`state` with this attempt as the one of `key` that counts."""
    bounded = replace(attempt, message=attempt.message[:MESSAGE_LENGTH])
    return replace(state, attempts=dict(sorted({**state.attempts, key: bounded}.items())))


def record_failure(state: EngineState, failure: RunFailure) -> EngineState:
    """`state` with the reason why it will fail; the first reason stands."""
    bounded = replace(failure, message=failure.message[:MESSAGE_LENGTH])
    return state if state.failure else replace(state, failure=bounded)


def apply_fact(state: EngineState, fact: Fact, now: float) -> EngineState:
    """`state` after `fact`. Raises IllegalFactError for a fact that the table does not allow in its phase."""
    phase = phases.transition(state.phase, fact)
    if phase is Phase.FAILED:
        return replace(state, phase=phase, finished=now)
    return replace(
        state,
        phase=phase,
        iteration=state.iteration + (fact is Fact.COMMITTED),
        done=(),
        attempts={},
        started=now if state.started is None else state.started,
        finished=now if phase in phases.TERMINAL else None,
    )


def reopen(state: EngineState) -> EngineState:
    """A failed run that is run again: back in the phase it failed in, with all its attempts. Raises ValueError else."""
    if state.failure is None or state.phase is not Phase.FAILED:
        raise ValueError(f"a run in phase {state.phase} cannot be reopened; only a failed one can")
    used = [attempt.number for attempt in state.attempts.values()]
    return replace(
        state,
        phase=state.failure.phase,
        attempts={},
        floor=max([state.floor, *used]) + 1,
        finished=None,
        failure=None,
    )
