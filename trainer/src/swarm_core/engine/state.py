"""The saved state of the engine for one run: a frozen value of a few kilobytes, which the host stores as exact JSON.

The state is a cache. Everything except the times can be derived again from the receipts, so a host that lost its latest
saves, or all of them, reaches the same result. All lists are bounded: attempts and finished keys are those of the
current phase, and history and messages are truncated.

Invariants: attempt numbers of a key never decrease. `floor` is the first attempt number, so `number - floor` attempts
have failed. Reopening raises the floor above every number used. From then on, observations of lower attempts are
ignored, even for an item whose failure was never observed.

Limits: it has coefficients and scores only as digests and as a few numbers for people. JSON with other fields, such as
that of another version, is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pydantic import ConfigDict, TypeAdapter, ValidationError

from swarm_core.engine import phases
from swarm_core.engine.phases import Fact, Phase
from swarm_core.engine.work import FailureReason
from swarm_core.recipe import Digest

HISTORY_LENGTH = 20
"""Number of iterations in the history. The store has the whole history as an artifact."""
MESSAGE_LENGTH = 1000
"""Maximum length of a message in characters. Messages are part of the status, which is stored in etcd."""
STRICT_CONFIG = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The current attempt of an item. All attempts with a lower number have ended."""

    number: int
    not_before: float = 0.0
    """Earliest start, on the host's clock in seconds."""
    losses: int = 0
    """Number of consecutive times that its process was lost."""
    lost_at: float = 0.0
    """Time of the last loss, on the host's clock in seconds. A loss that is not later is already counted."""
    message: str = ""
    """The reason why the previous attempt failed."""
    code: str = ""
    """The code of that failure; empty if it has none."""
    __pydantic_config__ = STRICT_CONFIG


@dataclass(frozen=True, slots=True)
class RunFailure:
    """The failure of a run."""

    phase: Phase
    """The phase in which the run failed, and in which it continues when it is reopened."""
    key: str
    """The key of the item that failed; empty if a limit of the run ended it."""
    reason: FailureReason
    message: str
    code: str = ""
    """The code of the failure of the item; empty if it has none."""
    __pydantic_config__ = STRICT_CONFIG


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """One iteration of the history."""

    iteration: int
    best: float | None
    mean: float | None
    held_out: float | None = None
    """The score of the best taker on held-out data, in a game."""
    __pydantic_config__ = STRICT_CONFIG


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """The progress of the search of one swarm, from its last receipt."""

    best: float | None = None
    best_particle: str = ""
    best_recipe: str = ""
    initial: float | None = None
    stop: str = ""
    """The rule that ended the search; empty before that."""
    fitness: tuple[tuple[str, float | None], ...] = ()
    """The name and the fitness of each particle in the last iteration, in order; None means unscored."""
    items: int = 0
    """Number of accepted items over all iterations. `rejected` counts items and `unscored` counts answers in the same
    way."""
    rejected: int = 0
    unscored: int = 0
    history: tuple[HistoryPoint, ...] = ()
    held_out: float | None = None
    """The score of the best taker on held-out data, in a game."""
    fates: tuple[tuple[str, int], ...] = ()
    """The number of answers by fate over all iterations, in the order of the fates' names."""
    values: tuple[tuple[str, float], ...] = ()
    """The values of the best generator that a weighted sum adds, by name; empty for one objective."""
    __pydantic_config__ = STRICT_CONFIG


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of the run, measured on fresh data."""

    result: Digest
    best: float | None = None
    initial: float | None = None
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    best_particle: str = ""
    """The name of the finalist that was chosen. It is not always the best one by the estimates of the search."""
    best_recipe: str = ""
    values: tuple[tuple[str, float], ...] = ()
    """The values of the best generator that a weighted sum adds, by name; empty for one objective."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """Every other number of the receipt, by name. Programs that do not search report their results in it."""
    __pydantic_config__ = STRICT_CONFIG


@dataclass(frozen=True, slots=True)
class EngineState:
    """The state of one run after a decision."""

    phase: Phase = Phase.PENDING
    iteration: int = 0
    """The current iteration, or the last one after the search. Iteration 0 measures the start."""
    experiment: Digest | None = None
    commit: Digest | None = None
    """The last commit; None before the first."""
    done: tuple[str, ...] = ()
    """The sorted keys of the items of the current phase whose receipts have been applied."""
    attempts: Mapping[str, Attempt] = field(default_factory=dict)
    """The current attempts of items of the current phase by key. A key without an entry is at its first attempt."""
    floor: int = 1
    started: float | None = None
    finished: float | None = None
    failure: RunFailure | None = None
    searches: Mapping[str, SearchProgress] = field(default_factory=dict)
    """The progress of each swarm that has moved, by the name of the swarm."""
    limit: str = ""
    """The limit of the run that ended its search; empty if no limit did."""
    outcome: Outcome | None = None
    __pydantic_config__ = STRICT_CONFIG

    def attempt(self, key: str) -> Attempt:
        """Return the current attempt of `key`."""
        return self.attempts.get(key, Attempt(self.floor))

    def search(self, swarm: str) -> SearchProgress:
        """Return the progress of a swarm; empty before it has moved."""
        return self.searches.get(swarm, SearchProgress())

    @property
    def stop(self) -> str:
        """The rule or the limit that ended the search of any swarm; empty before that."""
        return self.limit or next((search.stop for search in self.searches.values() if search.stop), "")

    def to_json(self) -> str:
        return _TYPE_ADAPTER.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> "EngineState":
        """Return the state that `to_json` wrote. Raises ValueError for any other text."""
        try:
            return _TYPE_ADAPTER.validate_json(text, strict=True)
        except ValidationError as error:
            first = error.errors()[0]
            what = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}".lstrip(": ")
            raise ValueError(
                f"engine state: {what}; delete it, and the engine derives it again from the receipts"
            ) from error


_TYPE_ADAPTER = TypeAdapter(EngineState)


def record_attempt(state: EngineState, key: str, attempt: Attempt) -> EngineState:
    """`state` with `attempt` as the current attempt of `key`."""
    bounded = replace(attempt, message=attempt.message[:MESSAGE_LENGTH])
    return replace(state, attempts=dict(sorted({**state.attempts, key: bounded}.items())))


def record_failure(state: EngineState, failure: RunFailure) -> EngineState:
    """`state` with `failure`, unless it has a failure already."""
    bounded = replace(failure, message=failure.message[:MESSAGE_LENGTH])
    return state if state.failure else replace(state, failure=bounded)


def apply_fact(state: EngineState, fact: Fact, now: float) -> EngineState:
    """`state` after `fact`. Raises IllegalFactError for a fact that is illegal in its phase."""
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
    """Return a failed run, back in the phase in which it failed, with all attempts available again.

    Raises ValueError for a run that has not failed.
    """
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
