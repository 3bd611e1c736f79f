"""A gate: an item has at most `most` characters, or without it as many as the longest seed item."""

from collections.abc import Mapping, Sequence

from swarm_core import part_config
from swarm_core.gates.gate_context import GateContext
from swarm_core.items import Item
from swarm_core.ports import Completion, Request, RequestFailure

NAME = "gate max-characters"


class MaxCharactersGate:
    """Rejects long items; asks nobody."""

    name = "max-characters"

    def __init__(self, most: int) -> None:
        self.most = most

    def requests(self, item: Item) -> tuple[Request, ...]:
        return ()

    def refusal(self, item: Item, replies: Sequence[Completion | RequestFailure]) -> str | None:
        """Why `item` is rejected; None admits it."""
        size = len(item.text)
        return None if size <= self.most else f"{size} characters; at most {self.most} are admitted"


def make_gate(config: Mapping[str, object], context: GateContext) -> MaxCharactersGate:
    """Takes `most`. Raises BadInputError."""
    part_config.check_fields(NAME, config, ("most",))
    longest = max((len(item.text) for item in context.seeds.items), default=0)
    return MaxCharactersGate(part_config.get_field(NAME, config, "most", int, longest))
