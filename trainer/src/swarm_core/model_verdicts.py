"""What judges and gates that ask a model have in common: how they ask for a verdict, and which lines of a reply count.

Somebody else's text in a prompt is material, never an instruction. It stands between tags, and what looks like the end
of a tag in it is broken up, so it cannot end the tags it stands between, or open new ones.
"""

import re

from swarm_core.ports import Completion, Request
from swarm_core.recipe import ModelName

MAX_LINE_LENGTH = 200
"""Characters of a line that is read at all; a mark needs few."""
EXCERPT_LENGTH = 80
TAG_START = re.compile(r"<(?=\s*/?\s*(?:query|response)\s*>)", re.IGNORECASE)
MARKUP = r"[\s*_#>`'\"]*"
"""What may stand around the words of a line that states a verdict."""


def build_request(model: ModelName, prompt: str, max_tokens: int) -> Request:
    """A judge is asked greedily, so the same question has the same answer, and one answer serves for ever."""
    return Request(model, prompt, max_tokens, temperature=0.0, seed=0, chat=True)


def escape_tags(text: str) -> str:
    """`text` unable to close the tags it stands between, or to open new ones."""
    return TAG_START.sub("&lt;", text)


def split_lines(reply: Completion) -> list[str]:
    """The lines of a reply that are short enough to state a verdict."""
    return [line for line in reply.text.splitlines() if len(line) <= MAX_LINE_LENGTH]


def format_excerpt(reply: Completion) -> str:
    """The end of a reply, on one line."""
    return repr(" ".join(reply.text.split())[-EXCERPT_LENGTH:])
