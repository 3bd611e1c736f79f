"""The gates of a measurement, from one table: a new gate is one file and one line here.

The order of the table is the order in which items meet gates: those that a program can tell first, `Duplicate` last of
them because it remembers what it admits, and those that ask a model at the end, because asking costs.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from swarm_core.errors import BadInputError
from swarm_core.gates.answerable import AnswerableGate
from swarm_core.gates.duplicate import DuplicateGate
from swarm_core.gates.held_out_gate import HeldOutGate
from swarm_core.gates.verifiable import VerifiableGate
from swarm_core.ports import Gate

GATES: Mapping[str, Callable[[Mapping[str, object]], Gate]] = MappingProxyType(
    {
        "Verifiable": VerifiableGate.from_config,
        "HeldOut": HeldOutGate.from_config,
        "Duplicate": DuplicateGate.from_config,
        "Answerable": AnswerableGate.from_config,
    }
)


@dataclass(frozen=True, slots=True)
class GateChoice:
    """A gate by its name in the table, and what its factory is given."""

    name: str
    config: Mapping[str, object] = field(default_factory=dict)


def build_gates(choices: Iterable[GateChoice]) -> tuple[Gate, ...]:
    """New gates for one measurement, in the order of the table.

    Raises BadInputError for a name that is not in it, and for a config that a gate refuses.
    """
    order = list(GATES)
    chosen = list(choices)
    for one in chosen:
        if one.name not in GATES:
            raise BadInputError(f"gate {one.name!r} is unknown; choose one of {', '.join(order)}")
    return tuple(GATES[one.name](one.config) for one in sorted(chosen, key=lambda one: order.index(one.name)))
