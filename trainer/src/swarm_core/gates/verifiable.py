"""The gate that admits only items that the judge can judge, because other items cannot be scored."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol, runtime_checkable

from swarm_core import part_config
from swarm_core.items import Item
from swarm_core.ports import Reply, Request


@runtime_checkable
class ItemChecker(Protocol):
    """An object that can refuse items that it cannot judge."""

    def refusal(self, item: Item) -> str | None: ...


class VerifiableGate:
    """Rejects the items that the judge refuses. It remembers no items."""

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "verifiable"

    def __init__(self, judge: ItemChecker) -> None:
        self.judge = judge

    @classmethod
    def from_config(cls, config: Mapping[str, object]) -> "VerifiableGate":
        """Return the gate from `judge`, the judge of the run. Raises BadInputError if it is missing, and for other
        fields."""
        part_config.check_fields("gate Verifiable", config, ("judge",))
        return cls(part_config.get_field("gate Verifiable", config, "judge", ItemChecker))  # type: ignore[type-abstract]

    def requests(self, item: Item) -> tuple[Request, ...]:
        """No requests, because the gate only uses the part of a judge that needs none."""
        return ()

    def refusal(self, item: Item, replies: Sequence[Reply] = ()) -> str | None:
        """Return the reason why the judge refuses `item`; None if it can judge the item."""
        return self.judge.refusal(item)
