"""One search by ask and tell, over a value, whatever optimizer its plan names.

    state = optimization.start(plan)
    while optimization.stopped(state) is None:
        asked = optimization.ask(state)
        state = optimization.tell(state, {candidate.name: measure(candidate.position) for candidate in asked})

Callers use these functions and never ask which optimizer it is. Limits: scores are to be maximized.
"""

from collections.abc import Mapping

from swarm_core.optimizers import codec, estimates, positions
from swarm_core.optimizers.candidate import Candidate
from swarm_core.optimizers.estimates import Estimate
from swarm_core.optimizers.optimizer import Plan, SearchState, Stop
from swarm_core.optimizers.positions import Position


def start(plan: Plan) -> SearchState:
    """The state before iteration 0: nothing measured."""
    state: SearchState = plan.optimizer.start(plan)
    return state


def ask(state: SearchState) -> tuple[Candidate, ...]:
    """What to measure in `state.iteration`; no position is asked twice. Says nothing of whether to go on."""
    return state.plan.optimizer.ask(state)


def tell(state: SearchState, fitness: Mapping[str, float | None]) -> SearchState:
    """The state of the next iteration, with the scores of every candidate taken in.

    `fitness` maps the name of each candidate to its score, None if it has none. Raises ValueError, naming the
    candidate, when one is absent, unknown or not finite.
    """
    following: SearchState = state.plan.optimizer.tell(state, fitness)
    return following


def stop_reason(state: SearchState) -> Stop | None:
    """Why the search is over, or None: all iterations measured, or `patience` of them without a better leader."""
    return state.plan.optimizer.stop_reason(state)


def current_positions(state: SearchState) -> tuple[Position, ...]:
    """The positions that `state.iteration` explores: where particles are, or what is sampled."""
    return state.plan.optimizer.current_positions(state)


def add_adapter(state: SearchState) -> SearchState:
    """`state` over a basis with one adapter more, which is asked next. Raises BadInputError if not supported."""
    grown: SearchState = state.plan.optimizer.add_adapter(state)
    return grown


def budget(plan: Plan) -> int:
    """How many candidates a whole search asks at most: when patience does not end it and no two particles meet."""
    return plan.optimizer.budget(plan)


def iterations(plan: Plan) -> int:
    """How many iterations follow the start at most: more than `plan.iterations` where no particles move."""
    return plan.optimizer.iterations(plan)


def best(state: SearchState) -> Estimate | None:
    """The global best, the highest mean of all positions remembered; None while nothing is scored."""
    return estimates.best(state.estimates)


def initial_best(state: SearchState) -> Estimate | None:
    """The initial generator with the highest mean; None while none is scored."""
    corners = positions.vertices(state.plan.basis, state.plan.groups)
    return estimates.best(one for one in state.estimates if one.position in corners)


def select_finalists(state: SearchState, count: int) -> tuple[Estimate, ...]:
    """At most `count` distinct positions to choose from on fresh data, best first by mean.

    The best initial generator is always one of them, in place of the last if need be. Raises ValueError below two: a
    final choice is between the best found and the best there was.
    """
    if count < 2:
        raise ValueError(f"count={count}: a final choice needs at least 2 finalists")
    ranked = estimates.rank(state.estimates)
    baseline = initial_best(state)
    if baseline is None or baseline in ranked[:count]:
        return tuple(ranked[:count])
    return (*ranked[: count - 1], baseline)


def to_json(state: SearchState) -> str:
    """`state` as the one JSON text of it; `from_json` gives back an equal state, every float bit for bit."""
    return codec.to_json(state)


def from_json(text: str) -> SearchState:
    """The state that `to_json` wrote. Raises ValueError when `text` is not one."""
    return codec.from_json(text)
