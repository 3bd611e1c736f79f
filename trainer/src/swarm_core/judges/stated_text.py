"""The words that a text states as its answer, for verifiers that compare words.

A text states, in this order of preference:

1. the content of its last `\\boxed{...}`;
2. the rest of the line after its last `answer is`, `Answer:`, `####` or the like, unless the text corrects itself after
   it;
3. its last line.

Quotation marks, brackets, markup and a period around a statement do not belong to it.

Limits: the words before a statement are known in a few languages.
"""

import re
from collections import deque
from dataclasses import dataclass

from swarm_core.judges import stated_answer
from swarm_core.judges.stated_answer import CORRECTION, MAX_ANSWER, UnreadableError

NO_REFERENCE = "it has no reference answer"
"""Why a verifier that compares with the reference refuses an item."""
STATEMENT = re.compile(
    r"(?:####|(?<![A-Za-z])(?:answer|ans|result|solution|antwort|ergebnis|lösung|réponse|respuesta|risposta|resposta)"
    r"[*_]{0,4} ?(?:is|ist|lautet|est|es|è|é|[:=])(?![A-Za-z]))[ :*_]{0,8}",
    re.IGNORECASE,
)
WRAPPING = " \t\n*_`#\"'“”‘’«»$.,;:!()[]{}<>"
"""What may stand around a statement."""


@dataclass(frozen=True, slots=True)
class StatedText:
    """A statement of a text."""

    text: str
    """The statement without what may stand around it."""
    marked: bool
    """Whether the text marks it as its answer. If not, it is its last line."""


def find_stated_text(text: str) -> StatedText:
    """Return the statement of `text`. Raises UnreadableError for a text that is too long."""
    if len(text) > MAX_ANSWER:
        raise UnreadableError(f"the answer has {len(text)} characters; at most {MAX_ANSWER} are read")
    boxes = deque(stated_answer.BOX.finditer(text), 1)
    if boxes and (end := stated_answer.find_closing(text, boxes[0].end())) is not None:
        return StatedText(strip_wrapping(text[boxes[0].end() : end]), marked=True)
    marks = deque(STATEMENT.finditer(text), 1)
    rest = text[marks[0].end() :].strip() if marks else ""
    if rest and CORRECTION.search(rest, len(rest.split(maxsplit=1)[0])) is None:  # the first word may be `no.`
        return StatedText(strip_wrapping(rest.split("\n", 1)[0]), marked=True)
    return StatedText(strip_wrapping(text.strip().rpartition("\n")[2]), marked=False)


def strip_wrapping(text: str) -> str:
    """Return `text` without the quotation marks, brackets, markup and punctuation around it."""
    return text.strip(WRAPPING)
