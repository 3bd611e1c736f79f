"""The ask-and-tell interface of a search, as pure functions that are the same for every optimizer.

    state = optimization.start(plan)
    while optimization.stop_reason(state) is None:
        asked = optimization.ask(state)
        state = optimization.tell(state, {candidate.name: measure(candidate.position) for candidate in asked})

Callers use these functions for any optimizer.

Limits: scores are maximized.
"""

from collections.abc import Mapping

from swarm_core.optimizers import codec
from swarm_core.optimizers.candidate import Candidate, Fitness
from swarm_core.optimizers.estimates import Estimate
from swarm_core.optimizers.optimizer import Plan, SearchState, Stop
from swarm_core.optimizers.positions import Position


def start(plan: Plan) -> SearchState:
    """Return the state before iteration 0: nothing measured."""
    state: SearchState = plan.optimizer.start(plan)
    return state


def ask(state: SearchState) -> tuple[Candidate, ...]:
    """Return the candidates to measure in `state.iteration`, with no position twice. It does not check whether to
    stop."""
    return state.plan.optimizer.ask(state)


def tell(state: SearchState, fitness: Mapping[str, Fitness]) -> SearchState:
    """Return the state of the next iteration, after the scores of all candidates.

    `fitness` maps the name of each candidate to its score, None if it has none. Raises ValueError, naming the
    candidate, when one is absent, unknown or not finite.
    """
    following: SearchState = state.plan.optimizer.tell(state, fitness)
    return following


def stop_reason(state: SearchState) -> Stop | None:
    """Return the reason why the search has ended: all iterations, or `patience` iterations without improvement. None
    before."""
    return state.plan.optimizer.stop_reason(state)


def current_positions(state: SearchState) -> tuple[Position, ...]:
    """Return the positions that `state.iteration` explores: where particles are, or what is sampled."""
    return state.plan.optimizer.current_positions(state)


def add_adapter(state: SearchState) -> SearchState:
    """Return `state` over a basis with one more adapter, which is asked next. Raises BadInputError if not supported."""
    grown: SearchState = state.plan.optimizer.add_adapter(state)
    return grown


def budget(plan: Plan) -> int:
    """Return the maximum number of candidates of a whole search: if patience does not end it and no two particles
    meet."""
    return plan.optimizer.budget(plan)


def iterations(plan: Plan) -> int:
    """Return the maximum number of iterations after the start. Without particles, it exceeds `plan.iterations`."""
    return plan.optimizer.iterations(plan)


def best(state: SearchState) -> Estimate | None:
    """Return the leading position: the highest mean of all kept ones, or the knee of a front. None before a position
    is scored."""
    return state.plan.optimizer.best(state)


def initial_best(state: SearchState) -> Estimate | None:
    """Return the leading initial generator; None before one is scored."""
    return state.plan.optimizer.initial_best(state)


def rank_positions(state: SearchState) -> list[Estimate]:
    """Return the kept positions with a score, best first."""
    return state.plan.optimizer.rank_positions(state)


def attained(state: SearchState) -> float | None:
    """Return the value of the leading position, or the hypervolume of a front; None before a position is scored."""
    return state.plan.optimizer.attained(state)


def initial_attained(state: SearchState) -> float | None:
    """Return the value of the leading initial generator, or the hypervolume of all; None before one is scored."""
    return state.plan.optimizer.initial_attained(state)


def select_finalists(state: SearchState, count: int) -> tuple[Estimate, ...]:
    """Return at most `count` distinct positions to choose from on fresh data, best first.

    The best initial generator is always one of them, and replaces the last if necessary. Raises ValueError for a
    `count` below 2, because a final choice compares the best position with the best initial generator.
    """
    if count < 2:
        raise ValueError(f"count={count}: a final choice needs at least 2 finalists")
    ranked = rank_positions(state)
    baseline = initial_best(state)
    if baseline is None or baseline in ranked[:count]:
        return tuple(ranked[:count])
    return (*ranked[: count - 1], baseline)


def to_json(state: SearchState) -> str:
    """Return the canonical JSON text of `state`. `from_json` returns an equal state, with every float bit for bit."""
    return codec.to_json(state)


def from_json(text: str) -> SearchState:
    """Return the state that `to_json` wrote. Raises ValueError for any other `text`."""
    return codec.from_json(text)
