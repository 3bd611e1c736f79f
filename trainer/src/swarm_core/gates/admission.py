"""Items through gates, in order: an item meets a gate only if every gate before admitted it.

The order matters where a gate remembers: it remembers what it admits, so gates that remember stand behind those that
refuse for other reasons. The same gates serve all calls of one measurement, and no other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from swarm_core.ports import Gate


@dataclass(frozen=True, slots=True)
class Rejection:
    """An item that did not count."""

    text: str
    gate: str
    reason: str


@dataclass(frozen=True, slots=True)
class Admission:
    """What became of some items; both parts keep the order of the items."""

    accepted: tuple[str, ...]
    rejections: tuple[Rejection, ...]

    def by_gate(self) -> dict[str, tuple[Rejection, ...]]:
        """The rejections of each gate that rejected anything."""
        gates = dict.fromkeys(rejection.gate for rejection in self.rejections)
        return {gate: tuple(r for r in self.rejections if r.gate == gate) for gate in gates}


def admit(items: Iterable[str], gates: Sequence[Gate]) -> Admission:
    """Pass every item through `gates`."""
    accepted: list[str] = []
    rejections: list[Rejection] = []
    for item in items:
        rejection = find_rejection(item, gates)
        if rejection is None:
            accepted.append(item)
        else:
            rejections.append(rejection)
    return Admission(tuple(accepted), tuple(rejections))


def find_rejection(item: str, gates: Sequence[Gate]) -> Rejection | None:
    """The first gate's refusal; later gates are not asked."""
    for gate in gates:
        reason = gate.refusal(item)
        if reason is not None:
            return Rejection(item, gate.name, reason)
    return None
