"""Items through gates, in order: an item meets a gate only if every gate before admitted it.

All items pass one gate before any meets the next, so a gate that asks a model is asked about all of them at once. That
comes to the same as item by item, because a gate remembers nothing but what it admits. Gates that remember stand behind
those that refuse for other reasons. The same gates serve all calls of one measurement, and no other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from swarm_core.asking import Ask, ask_together
from swarm_core.items import Item
from swarm_core.ports import Gate, Undecided


@dataclass(frozen=True, slots=True)
class Rejection:
    """An item that did not count."""

    item: Item
    gate: str
    reason: str

    @property
    def text(self) -> str:
        """The item's text."""
        return self.item.text


@dataclass(frozen=True, slots=True)
class Admission:
    """What became of some items; every part keeps the order of the items."""

    accepted: tuple[Item, ...]
    rejections: tuple[Rejection, ...] = ()
    undecided: tuple[Item, ...] = ()
    """Those that nobody could decide about: lost, and no rejections."""

    def by_gate(self) -> dict[str, tuple[Rejection, ...]]:
        """The rejections of each gate that rejected anything."""
        gates = dict.fromkeys(rejection.gate for rejection in self.rejections)
        return {gate: tuple(r for r in self.rejections if r.gate == gate) for gate in gates}


def admit(items: Sequence[Item], gates: Sequence[Gate], ask: Ask) -> Admission:
    """Pass every item through `gates`; `ask` is called once for each gate that makes requests."""
    remaining, rejections, undecided = tuple(items), list[Rejection](), list[Item]()
    for gate in gates:
        passed = pass_gate(remaining, gate, ask)
        remaining = passed.accepted
        rejections += passed.rejections
        undecided += passed.undecided
    return Admission(remaining, tuple(rejections), tuple(undecided))


def pass_gate(items: Sequence[Item], gate: Gate, ask: Ask) -> Admission:
    """Pass every item through one gate."""
    accepted, rejections, undecided = list[Item](), list[Rejection](), list[Item]()
    replies = ask_together([gate.requests(item) for item in items], ask)
    for item, given in zip(items, replies, strict=True):
        found = gate.refusal(item, given)
        if found is None:
            accepted.append(item)
        elif isinstance(found, Undecided):
            undecided.append(item)
        else:
            rejections.append(Rejection(item, gate.name, found))
    return Admission(tuple(accepted), tuple(rejections), tuple(undecided))
