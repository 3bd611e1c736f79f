"""The gate that admits only items that the judge can judge, because other items cannot be scored."""

from collections.abc import Sequence
from typing import ClassVar, Protocol, runtime_checkable

from swarm_core.blocks.settings import Settings
from swarm_core.gates.gate_context import GateContext
from swarm_core.items import Item
from swarm_core.ports import Reply, Request


@runtime_checkable
class ItemChecker(Protocol):
    """An object that can refuse items that it cannot judge."""

    def refusal(self, item: Item) -> str | None: ...


class VerifiableGate:
    """Rejects the items that the judge refuses. It remembers no items."""

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "Verifiable"
    settings: ClassVar[type[Settings]] = Settings

    def __init__(self, judge: ItemChecker) -> None:
        self.judge = judge

    @classmethod
    def from_settings(cls, settings: Settings, context: GateContext) -> "VerifiableGate":
        """Return the gate that asks the judge of `context`."""
        return cls(context.judge)

    def requests(self, item: Item) -> tuple[Request, ...]:
        """No requests, because the gate only uses the part of a judge that needs none."""
        return ()

    def refusal(self, item: Item, replies: Sequence[Reply] = ()) -> str | None:
        """Return the reason why the judge refuses `item`; None if it can judge the item."""
        return self.judge.refusal(item)
