"""From a resolved spec to the search and its sizes: what the engine, the swarm and the verbs are told.

The one place where the API's words become the swarm's, so both hosts, the command line and the verbs count alike.
"""

from typing import Any

from swarm_core import streams
from swarm_core.api.resolved import ResolvedGame, ResolvedGenerators, ResolvedSpec, ResolvedTaker, TrainedAdapters
from swarm_core.engine.planning import Outline, Turn
from swarm_core.engine.work import Kind, Needs
from swarm_core.optimizers import optimization, registry
from swarm_core.optimizers.optimizer import Optimizer, Plan
from swarm_core.swarm_names import GENERATORS, RIVALS, TAKERS


def build_outline(resolved: ResolvedSpec) -> Outline:
    """The run as the engine sees it: generators given as adapters need no seeding."""
    if resolved.game is not None:
        return _build_game_outline(resolved, resolved.game)
    return Outline(
        iterations=optimization.iterations(build_plan(resolved)),
        training=_list_training(GENERATORS, resolved.generators),
        needs=build_needs(resolved),
        attempts=resolved.execution.attempts,
        item_deadline_seconds=resolved.execution.item_deadline_seconds,
        suspended=resolved.suspend,
    )


def _build_game_outline(resolved: ResolvedSpec, game: ResolvedGame) -> Outline:
    """Generators move, then takers; before all of their turns but the first, one more adapter may be trained."""
    trained = _list_training(TAKERS, game.takers)
    training = (
        *_list_training(GENERATORS, resolved.generators),
        *trained,
        *_list_training(RIVALS, resolved.generators),
    )
    later = (Turn(Kind.TRAIN, TAKERS, first_iteration=1, index_offset=len(trained) - 1),)
    return Outline(
        iterations=game.rounds,
        training=training,
        turns=(Turn(), *(later if game.train else ()), Turn(swarm=TAKERS)),
        needs=build_needs(resolved),
        iteration_noun="round",
        attempts=resolved.execution.attempts,
        item_deadline_seconds=resolved.execution.item_deadline_seconds,
        suspended=resolved.suspend,
    )


def build_needs(resolved: ResolvedSpec) -> dict[Kind, Needs]:
    """Training holds an accelerator; measuring asks the servers of every base model."""
    asking = Needs(servers=base_models(resolved))
    return {Kind.TRAIN: Needs(accelerator=True), Kind.ITERATE: asking, Kind.CONCLUDE: asking}


def base_models(resolved: ResolvedSpec) -> tuple[str, ...]:
    """The URIs of the distinct models that adapters are of: the base first, then takers' own in their order."""
    own = [taker.model for taker in resolved.takers if isinstance(taker, ResolvedTaker)]
    return tuple(dict.fromkeys([resolved.base.model, *own]))


def _list_training(swarm: str, side: ResolvedGenerators) -> tuple[tuple[str, int], ...]:
    """The adapters to be trained for a swarm before it moves: none where they are given."""
    count = side.count if isinstance(side.origin, TrainedAdapters) else 0
    return tuple((swarm, index) for index in range(count))


def moving_swarms(resolved: ResolvedSpec) -> tuple[str, ...]:
    """The swarms that move, in the order of their turns."""
    return (GENERATORS, TAKERS) if resolved.game else (GENERATORS,)


def for_swarm(resolved: ResolvedSpec, swarm: str) -> ResolvedSpec:
    """The spec as one swarm of it sees it: as if it were the generators, with a seed of its own.

    Rivals are the generators with another seed.
    """
    game = resolved.game
    if game is None or swarm == GENERATORS:
        return resolved
    seed = streams.seed(resolved.seed, swarm)
    if swarm == RIVALS:
        return resolved.model_copy(update={"seed": seed})
    mine, theirs = game.sides
    turned = game.model_copy(update={"sides": (theirs, mine)})
    return resolved.model_copy(
        update={"seed": seed, "generators": game.takers, "swarm": theirs.swarm, "rule": theirs.rule, "game": turned}
    )


def build_plan(resolved: ResolvedSpec, layers: int = 1) -> Plan:
    """The search as the swarm sees it, over a basis of the initial generators.

    `layers`, of the base, is known only once there are adapters. It changes what a position is, never how many are
    measured, so whoever only counts leaves it out.
    """
    size = resolved.swarm
    return Plan(
        basis=resolved.generators.count,
        particles=size.particles,
        iterations=size.iterations,
        patience=size.patience,
        seed=resolved.seed,
        optimizer=_optimizer(resolved),
        groups=1 if size.per_layer is None else layers,
        rescored=resolved.game is not None and resolved.game.sides[0].rescored,
        decay=resolved.game.sides[0].decay if resolved.game else 1.0,
    )


def _optimizer(resolved: ResolvedSpec) -> Optimizer[Any]:
    """The optimizer of the spec's block: the same names, so a constant cannot be lost on the way."""
    layers = resolved.swarm.per_layer
    constants = resolved.rule.model_dump() | (layers.model_dump() if layers else {})
    return registry.create(resolved.rule.optimizer_name, constants)


def items_per_finalist(resolved: ResolvedSpec) -> int:
    """Items per finalist, so that the final choice takes its share of the whole search's questions.

    A reserve r of the budget is r / (1 - r) of what the search takes; never fewer items than one measurement has.
    """
    evaluation = resolved.evaluation
    searched = optimization.budget(build_plan(resolved)) * evaluation.items
    reserve = searched * evaluation.reserve / (1 - evaluation.reserve)
    return max(evaluation.items, round(reserve / evaluation.finalists))
