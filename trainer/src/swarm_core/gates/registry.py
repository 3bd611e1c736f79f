"""The gates of a measurement, by name, in the order in which items meet them: standard ones, then those of the spec.

The order of the standard gates is the catalog's. Added gates follow in their own order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from swarm_core import catalog, plugins
from swarm_core.ports import Gate


@dataclass(frozen=True, slots=True)
class GateChoice:
    """A gate by its name, and what its factory is given."""

    name: str
    config: Mapping[str, object] = field(default_factory=dict)


def build_gates(choices: Iterable[GateChoice]) -> tuple[Gate, ...]:
    """New gates for one measurement. Raises BadInputError for a name that nothing has, or a config that is refused."""
    return tuple(plugins.build_part("gates", one.name, one.config) for one in sorted(choices, key=find_rank))


def find_rank(choice: GateChoice) -> int:
    """The place of a gate among the standard ones; that of an added gate is behind them all."""
    order = list(catalog.STANDARD_GATES)
    return order.index(choice.name) if choice.name in order else len(order)
