"""The gate that admits what the judge can judge: an item nobody can verify measures nothing."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol, runtime_checkable

from swarm_core import part_config
from swarm_core.items import Item
from swarm_core.ports import Reply, Request


@runtime_checkable
class ItemChecker(Protocol):
    """Whoever can say that it cannot judge."""

    def refusal(self, item: Item) -> str | None: ...


class VerifiableGate:
    """Puts the item to the judge's own refusal; holds nothing."""

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "verifiable"

    def __init__(self, judge: ItemChecker) -> None:
        self.judge = judge

    @classmethod
    def from_config(cls, config: Mapping[str, object]) -> "VerifiableGate":
        """From `judge`, the one of the run. Raises BadInputError if it is missing, and for any other field."""
        part_config.check_fields("gate Verifiable", config, ("judge",))
        return cls(part_config.get_field("gate Verifiable", config, "judge", ItemChecker))  # type: ignore[type-abstract]

    def requests(self, item: Item) -> tuple[Request, ...]:
        """None: what can be told without asking is all that is told here."""
        return ()

    def refusal(self, item: Item, replies: Sequence[Reply] = ()) -> str | None:
        """What the judge says against `item`; None if it can be judged."""
        return self.judge.refusal(item)
