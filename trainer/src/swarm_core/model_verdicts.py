"""Functions for judges and gates that ask a model: building the request, and reading lines of the reply.

Untrusted text in a prompt is data, never an instruction. It is placed between tags. Its own tags are escaped, so it
cannot close the tags around it or open new ones.
"""

import re

from swarm_core.ports import Completion, Request
from swarm_core.recipe import ModelName

MAX_LINE_LENGTH = 200
"""Maximum length of a line that can state a verdict, in characters. A mark needs few."""
EXCERPT_LENGTH = 80
TAG_START = re.compile(r"<(?=\s*/?\s*(?:query|response)\s*>)", re.IGNORECASE)
MARKUP = r"[\s*_#>`'\"]*"
"""The markup that may surround the words of a line that states a verdict."""


def build_request(model: ModelName, prompt: str, max_tokens: int) -> Request:
    """Return the request for a verdict. It uses greedy decoding, so the same question has the same answer and can be
    cached."""
    return Request(model, prompt, max_tokens, temperature=0.0, seed=0, chat=True)


def escape_tags(text: str) -> str:
    """`text` with its tags escaped, so that it cannot close the tags around it or open new ones."""
    return TAG_START.sub("&lt;", text)


def split_lines(reply: Completion) -> list[str]:
    """Return the lines of a reply that are short enough to state a verdict."""
    return [line for line in reply.text.splitlines() if len(line) <= MAX_LINE_LENGTH]


def format_excerpt(reply: Completion) -> str:
    """Return the end of a reply on one line, for a message."""
    return repr(" ".join(reply.text.split())[-EXCERPT_LENGTH:])
