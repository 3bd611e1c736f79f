"""The gate that admits items of at most so many characters: long ones are hard to read before they are hard to answer.

Characters are Unicode code points of the text that takers see, spaces at its ends left out. It holds nothing.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from swarm_core import part_config
from swarm_core.errors import BadInputError
from swarm_core.items import Item
from swarm_core.ports import Reply, Request


class MaxLengthGate:
    """Rejects long items; asks nobody."""

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "max-length"

    def __init__(self, characters: int) -> None:
        self.characters = characters

    @classmethod
    def from_config(cls, config: Mapping[str, object]) -> "MaxLengthGate":
        """From `characters`, 1 or more. Raises BadInputError for another value, and for any other field."""
        part = "gate MaxLength"
        part_config.check_fields(part, config, ("characters",))
        characters = part_config.get_field(part, config, "characters", int)
        if characters < 1:
            raise BadInputError(f"{part}: config field 'characters' is {characters}; give 1 or more")
        return cls(characters)

    def requests(self, item: Item) -> tuple[Request, ...]:
        """None: characters are counted."""
        return ()

    def refusal(self, item: Item, replies: Sequence[Reply] = ()) -> str | None:
        """How much too long `item` is; None admits it."""
        size = len(item.text.strip())
        return None if size <= self.characters else f"{size} characters; at most {self.characters} are admitted"
