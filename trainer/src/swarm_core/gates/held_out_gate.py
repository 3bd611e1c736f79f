"""The gate that keeps held-out items out: data copied from a test set is not new, however hard it is.

Limits: finds copies of a whole text, whatever its case and spacing (`swarm_core.text.normalization`); not paraphrases.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from swarm_core import part_config
from swarm_core.items import Item
from swarm_core.ports import Reply, Request
from swarm_core.text.normalization import normalize


class HeldOutGate:
    """Refuses the texts it was given."""

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "leaked"

    def __init__(self, held_out: Iterable[Item]) -> None:
        self.held_out = frozenset(normalize(item.text) for item in held_out)

    @classmethod
    def from_config(cls, config: Mapping[str, object]) -> "HeldOutGate":
        """From `items`, the held-out ones. Raises BadInputError if they are missing, and for any other field."""
        part_config.check_fields("gate HeldOut", config, ("items",))
        return cls(part_config.get_field("gate HeldOut", config, "items", frozenset))

    def requests(self, item: Item) -> tuple[Request, ...]:
        """None: texts are compared."""
        return ()

    def refusal(self, item: Item, replies: Sequence[Reply] = ()) -> str | None:
        """Why `item` is rejected: it stands in the held-out data; None if it does not."""
        return "stands in the held-out data" if normalize(item.text) in self.held_out else None
