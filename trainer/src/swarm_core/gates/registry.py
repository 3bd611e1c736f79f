"""The gates of a measurement by name, in the order in which items pass them.

The standard gates come first, in the order of the catalog. The additional gates of the spec follow in its order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from swarm_core import catalog, plugins
from swarm_core.ports import Gate


@dataclass(frozen=True, slots=True)
class GateChoice:
    """The name of a gate and the config for its factory."""

    name: str
    config: Mapping[str, object] = field(default_factory=dict)


def build_gates(choices: Iterable[GateChoice]) -> tuple[Gate, ...]:
    """Return new gates for one measurement. Raises BadInputError for an unknown name or an invalid config."""
    return tuple(plugins.build_part("gates", one.name, one.config) for one in sorted(choices, key=find_rank))


def find_rank(choice: GateChoice) -> int:
    """Return the position of a gate among the standard gates. An additional gate comes after all of them."""
    order = list(catalog.STANDARD_GATES)
    return order.index(choice.name) if choice.name in order else len(order)
