"""The admission of items by gates: an item reaches a gate only if all gates before it admitted the item.

All items pass one gate before any reaches the next, so the requests of a gate are sent together. The result is the same
as item by item, because a gate remembers only items that it admitted. One measurement uses the same gates in all calls,
and no other measurement uses them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from swarm_core.asking import Ask, ask_together
from swarm_core.items import Item
from swarm_core.ports import Gate, MeasuringGate, Undecided

UNDECIDED = "undecided"
"""The name under which items are counted that a gate could not decide about."""
Measures = tuple[tuple[str, float], ...]
"""What gates measured of one item, as pairs of name and value."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A rejected item with its gate and reason."""

    item: Item
    gate: str
    reason: str

    @property
    def text(self) -> str:
        """The item's text."""
        return self.item.text


@dataclass(frozen=True, slots=True)
class Admission:
    """The result of the admission. Each list keeps the order of the items."""

    accepted: tuple[Item, ...]
    rejections: tuple[Rejection, ...] = ()
    undecided: tuple[Rejection, ...] = ()
    """The items that a gate could not decide about. They cost as much as rejected ones, and if they are too many, there
    is no measurement."""
    measures: tuple[Measures, ...] = ()
    """What gates measured of each accepted item (`MeasuringGate`), by the gates' names."""

    def by_gate(self) -> dict[str, tuple[Rejection, ...]]:
        """Return the rejections of each gate that rejected anything."""
        gates = dict.fromkeys(rejection.gate for rejection in self.rejections)
        return {gate: tuple(r for r in self.rejections if r.gate == gate) for gate in gates}


def admit(items: Sequence[Item], gates: Sequence[Gate], ask: Ask) -> Admission:
    """Pass all items through `gates`. `ask` is called once for each gate that makes requests."""
    remaining, rejections, undecided = tuple(items), list[Rejection](), list[Rejection]()
    measures: tuple[Measures, ...] = ((),) * len(remaining)
    for name, gate in zip(number_names(gates), gates, strict=True):
        passed, kept = pass_gate(remaining, gate, ask)
        measures = tuple(
            (*measures[place], *(() if value is None else ((name, value),))) for place, value in kept.items()
        )
        remaining = passed.accepted
        rejections += passed.rejections
        undecided += passed.undecided
    return Admission(remaining, tuple(rejections), tuple(undecided), measures)


def leave_open(item: Item, gate: str, reason: str) -> Rejection:
    """Return the rejection of an item that `gate` could not decide about."""
    return Rejection(item, UNDECIDED, f"{gate}: {reason}")


def number_names(gates: Sequence[Gate]) -> list[str]:
    """Return the name of each gate; of the second and later ones of a name, with its number."""
    names = [gate.name for gate in gates]
    counts = [names[: place + 1].count(name) for place, name in enumerate(names)]
    return [name if count == 1 else f"{name} {count}" for name, count in zip(names, counts, strict=True)]


def pass_gate(items: Sequence[Item], gate: Gate, ask: Ask) -> tuple[Admission, dict[int, float | None]]:
    """Pass all items through one gate. Returns also what it measured of each accepted item, by the item's place."""
    rejections, undecided = list[Rejection](), list[Rejection]()
    measured: dict[int, float | None] = {}
    replies = ask_together([gate.requests(item) for item in items], ask)
    for place, (item, given) in enumerate(zip(items, replies, strict=True)):
        verdict = gate.refusal(item, given)
        if verdict is None:
            measured[place] = gate.measure(item, given) if isinstance(gate, MeasuringGate) else None
        elif isinstance(verdict, Undecided):
            undecided.append(leave_open(item, gate.name, verdict.reason))
        else:
            rejections.append(Rejection(item, gate.name, verdict))
    return Admission(tuple(items[place] for place in measured), tuple(rejections), tuple(undecided)), measured
