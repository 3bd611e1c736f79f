"""The gates of a measurement by name, in the order in which items pass them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from swarm_core import catalog, plugins
from swarm_core.gates.gate_context import GateContext, ItemSet
from swarm_core.ports import Gate


@dataclass(frozen=True, slots=True)
class GateChoice:
    """The name of a gate, the config for its factory, as JSON, and its data."""

    name: str
    config: Mapping[str, object] = field(default_factory=dict)
    data: tuple[ItemSet, ...] = ()
    """The data sets that the gate compares items with. All measurements share them."""


DEFAULT_CHOICES = tuple(GateChoice(name) for name in catalog.DEFAULT_GATES)


def build_gates(choices: Iterable[GateChoice], context: GateContext) -> tuple[Gate, ...]:
    """Return new gates for one measurement, in the order of `choices`.

    Raises BadInputError for an unknown name or an invalid config.
    """
    return tuple(plugins.build_part("gates", one.name, one.config, replace(context, data=one.data)) for one in choices)
