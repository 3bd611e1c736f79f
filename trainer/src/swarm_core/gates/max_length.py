"""The gate that admits items of at most so many characters: long ones are hard to read before they are hard to answer.

Characters are Unicode code points of the text that takers see, spaces at its ends left out. It holds nothing.
"""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from swarm_core.blocks.scalars import Integer
from swarm_core.blocks.settings import Settings
from swarm_core.gates.gate_context import GateContext
from swarm_core.items import Item
from swarm_core.ports import Reply, Request


class MaxLengthSettings(Settings):
    """The longest item that is admitted."""

    characters: Integer = Field(200, ge=1, le=100_000)
    """Maximum length of an item, in characters."""


class MaxLengthGate:
    """Rejects items of too many characters."""

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "MaxLength"
    settings: ClassVar[type[MaxLengthSettings]] = MaxLengthSettings

    def __init__(self, characters: int) -> None:
        self.characters = characters

    @classmethod
    def from_settings(cls, settings: MaxLengthSettings, context: GateContext) -> "MaxLengthGate":
        """Return the gate for the limit of `settings`."""
        return cls(settings.characters)

    def requests(self, item: Item) -> tuple[Request, ...]:
        """None: characters are counted."""
        return ()

    def refusal(self, item: Item, replies: Sequence[Reply] = ()) -> str | None:
        """How much too long `item` is; None admits it."""
        size = len(item.text.strip())
        return None if size <= self.characters else f"{size} characters; at most {self.characters} are admitted"
