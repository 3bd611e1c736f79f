"""The gate that rejects texts in which a model refuses to write an item: "I'm sorry, but I can't help with that."

The canonical text (`swarm_core.text.canonical_text`) of a refusal begins with a phrase of `PHRASES`, after words of
politeness. Chat models begin refusals so; a question about refusals does not begin so.

Limits: the phrases are English. Refusals in other words or languages are found by the gates `Criterion` and
`Classifier`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from swarm_core.blocks.settings import Settings
from swarm_core.gates.gate_context import GateContext
from swarm_core.items import Item
from swarm_core.ports import Reply, Request
from swarm_core.text.canonical_text import canonicalize

READ = 400
"""The number of characters of a text that are read: a refusal shows at its start."""
START = (
    r"[-*_#\"'>\s]{0,12}"
    r"(?:(?:oh|well|hello|hi|thank you|thanks|unfortunately|sorry|(?:my )?apologies"
    r"|(?:i'm|i am) (?:really |very |so )?sorry)"
    r"[-*,.!:;]{0,3} ?(?:but )?){0,3}"
)
"""What may stand before the phrase: signs of markup, and words of politeness."""
MODEL = r"(?:an?|just an?|only an?) (?:ai|artificial intelligence|(?:large )?language model|llm|virtual assistant)\b"
UNABLE = r"(?:can't|cannot|can not|won't|will not|(?:am|'m) unable to|(?:am|'m) not able to)"
DEEDS = (
    r"(?:help|assist|provide|create|generate|write|produce|comply|fulfill|answer|do that|do this|continue|engage"
    r"|discuss|support|offer|give|share|participate|complete|respond|make|come up)\b"
)
PHRASES = re.compile(
    START
    + "(?:"
    + "|".join((
        rf"as {MODEL}[-a-z ]{{0,40}},? ?i\b",
        rf"(?:i'm|i am) {MODEL}",
        rf"i ?{UNABLE} (?:[a-z]{{1,12}} ){{0,2}}?{DEEDS}",
        rf"i(?:'m| am) afraid (?:that )?i ?{UNABLE}",
        rf"(?:i(?: must)? apologize|(?:i'm|i am) (?:[a-z]{{2,6}} )?sorry)[,.]? ?(?:but )?i ?{UNABLE}",
        r"i(?: must|'ll have to| have to) decline\b",
        r"i can't in good conscience\b",
    ))
    + ")"
)  # fmt: skip
"""The phrases that begin a refusal, in canonical form."""


@dataclass(frozen=True, slots=True)
class RefusalGate:
    """Rejects texts in which a model refuses to write an item, such as: I'm sorry, but I can't help with that."""

    revision: ClassVar[int] = 1
    name: ClassVar[str] = "Refusal"
    settings: ClassVar[type[Settings]] = Settings

    @classmethod
    def from_settings(cls, settings: Settings, context: GateContext) -> "RefusalGate":
        """Return the gate."""
        return cls()

    def requests(self, item: Item) -> tuple[Request, ...]:
        """No requests, because the gate only reads the text."""
        return ()

    def refusal(self, item: Item, replies: Sequence[Reply] = ()) -> str | None:
        """Return the reason, if the text of `item` is a refusal; None if it is an item."""
        found = PHRASES.match(canonicalize(item.text[:READ]))
        return f"refuses to write an item: {item.text[:80]!r}" if found else None
