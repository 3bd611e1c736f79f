"""The settings of a search that are derived from a resolved run: its plan, its work and its sizes.

Only this module translates fields of the API into settings of the optimizers, so both hosts, the command line and the
steps use the same numbers.
"""

from collections.abc import Iterable
from typing import Any

from swarm_core.api.resolved import RemoteTaker, ResolvedGenerators, ResolvedSpec, ResolvedTaker, TrainedAdapters
from swarm_core.engine.work import Kind, Needs
from swarm_core.optimizers import optimization, registry
from swarm_core.optimizers.optimizer import Optimizer, Plan


def build_needs(resolved: ResolvedSpec) -> dict[Kind, Needs]:
    """Return the needs of each kind of work: training holds an accelerator, and measuring asks the servers of all
    models. Only the conclusion asks unseen takers."""
    return {
        Kind.TRAIN: Needs(accelerator=True),
        Kind.ITERATE: Needs(servers=base_models(resolved, resolved.takers)),
        Kind.CONCLUDE: Needs(servers=base_models(resolved, resolved.every_taker)),
    }


def base_models(resolved: ResolvedSpec, takers: Iterable[ResolvedTaker | RemoteTaker]) -> tuple[str, ...]:
    """Return the URIs of the distinct models: the base model first, then the takers' own models in their order."""
    own = [taker.model for taker in takers if isinstance(taker, ResolvedTaker)]
    return tuple(dict.fromkeys([resolved.base.model, *own]))


def list_training(swarm: str, side: ResolvedGenerators) -> tuple[tuple[str, int], ...]:
    """Return the swarm and index of each adapter to train before the swarm moves; empty if the adapters are given."""
    count = side.count if isinstance(side.origin, TrainedAdapters) else 0
    return tuple((swarm, index) for index in range(count))


def build_plan(resolved: ResolvedSpec, layers: int = 1) -> Plan:
    """Return the plan of the search, over a basis of the initial generators.

    `layers` is the number of layers of the base model, which is known only after there are adapters. It changes the
    length of a position and never the number of measurements, so callers that only count may leave it out.
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
    """Return the optimizer with the constants of the spec. The names are the same, so no constant can be lost."""
    layers = resolved.swarm.per_layer
    constants = resolved.rule.model_dump() | (layers.model_dump() if layers else {})
    return registry.create_optimizer(resolved.rule.optimizer_name, constants)


def items_per_finalist(resolved: ResolvedSpec) -> int:
    """Return the number of items per finalist, so that the final choice uses its reserved share of all items of the
    search.

    A reserve r of the budget is r / (1 - r) of the items of the search itself. The result is never below the number
    of items of one measurement.
    """
    evaluation = resolved.evaluation
    searched = optimization.budget(build_plan(resolved)) * evaluation.items
    reserve = searched * evaluation.reserve / (1 - evaluation.reserve)
    return max(evaluation.items, round(reserve / evaluation.finalists))
