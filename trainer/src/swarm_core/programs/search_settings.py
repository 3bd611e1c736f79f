"""From a resolved search to its plan and its sizes: what programs that search, the optimizers and the steps are told.

The one place where the API's words become the swarm's, so both hosts, the command line and the steps count alike.
"""

from typing import Any

from swarm_core.api.resolved import ResolvedGenerators, ResolvedSpec, ResolvedTaker, TrainedAdapters
from swarm_core.engine.work import Kind, Needs
from swarm_core.optimizers import optimization, registry
from swarm_core.optimizers.optimizer import Optimizer, Plan


def build_needs(resolved: ResolvedSpec) -> dict[Kind, Needs]:
    """Training holds an accelerator; measuring asks the servers of every base model."""
    asking = Needs(servers=base_models(resolved))
    return {Kind.TRAIN: Needs(accelerator=True), Kind.ITERATE: asking, Kind.CONCLUDE: asking}


def base_models(resolved: ResolvedSpec) -> tuple[str, ...]:
    """The URIs of the distinct models that adapters are of: the base first, then takers' own in their order."""
    own = [taker.model for taker in resolved.takers if isinstance(taker, ResolvedTaker)]
    return tuple(dict.fromkeys([resolved.base.model, *own]))


def list_training(swarm: str, side: ResolvedGenerators) -> tuple[tuple[str, int], ...]:
    """The adapters to be trained for a swarm before it moves: none where they are given."""
    count = side.count if isinstance(side.origin, TrainedAdapters) else 0
    return tuple((swarm, index) for index in range(count))


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
        rescored=size.rescored,
        decay=size.decay,
    )


def _optimizer(resolved: ResolvedSpec) -> Optimizer[Any]:
    """The optimizer of the spec's block: the same names, so a constant cannot be lost on the way."""
    layers = resolved.swarm.per_layer
    constants = resolved.rule.model_dump() | (layers.model_dump() if layers else {})
    return registry.create_optimizer(resolved.rule.optimizer_name, constants)


def items_per_finalist(resolved: ResolvedSpec) -> int:
    """Items per finalist, so that the final choice takes its share of the whole search's questions.

    A reserve r of the budget is r / (1 - r) of what the search takes; never fewer items than one measurement has.
    """
    evaluation = resolved.evaluation
    searched = optimization.budget(build_plan(resolved)) * evaluation.items
    reserve = searched * evaluation.reserve / (1 - evaluation.reserve)
    return max(evaluation.items, round(reserve / evaluation.finalists))
