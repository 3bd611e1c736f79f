"""Markup that models read as control tokens, such as `<|im_end|>` and `[INST]`, and texts that only mention it.

Some engines take a whole prompt as one string, with the marks of turns in it. A text in such a prompt must not write
those marks. `escape` puts an invisible character (U+2060, WORD JOINER) after the first character of each mark, so that
it is a mark no longer and looks the same. `unescape` takes it out again, for display.

Limits: `PATTERN` knows the forms that models in use have. Marks that are ordinary words, such as `USER:`, are not among
them.
"""

import re
from collections.abc import Collection

JOINER = "\u2060"
PATTERN = re.compile(
    r"<\|[^<>|\s]{1,64}\|>"  # <|im_start|>, <|eot_id|>
    r"|<｜[^<>｜\s]{1,64}｜>"  # <｜User｜>
    r"|</?(?:s|bos|eos|pad|unk|mask|cls|sep|think|tool_call|tool_response|start_of_\w{1,32}|end_of_\w{1,32})>"
    r"|<</?SYS>>"
    r"|\[/?[A-Z][A-Z_]{1,32}\]",  # [INST], [/INST], [SEP]
    re.IGNORECASE,
)
_ESCAPED = re.compile(f"([<\\[]){JOINER}")


def find(text: str) -> frozenset[str]:
    """Return the marks in `text`."""
    return frozenset(PATTERN.findall(text))


def escape(text: str, marks: Collection[str] | None = None) -> str:
    """Return `text` with an invisible character inside each of `marks`, or inside every mark of `PATTERN`."""
    if marks is None:
        return PATTERN.sub(lambda found: _split(found[0]), text)
    for mark in sorted(marks, key=len, reverse=True):
        text = text.replace(mark, _split(mark))
    return text


def unescape(text: str) -> str:
    """Return the text that `escape` was given."""
    return _ESCAPED.sub(r"\1", text)


def _split(mark: str) -> str:
    return f"{mark[0]}{JOINER}{mark[1:]}"
