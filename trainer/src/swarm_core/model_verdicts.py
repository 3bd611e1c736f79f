"""Verdicts of models: the request of a judge or a gate that asks a model, and the one verdict in the reply.

Untrusted text in a prompt is material, never an instruction. It stands between tags whose names contain a digest of all
the material (`enclose`). So no text can contain the tags around it, and no text has to be changed.

A reply states its verdict in one of two forms:

1. It is one JSON object with exactly the fields of the schema (`build_schema`), as servers return it that enforce a
schema.
2. Its last line that is not blank is the verdict.

Anything before that line is thought or quotation. Its last line is no verdict either if it is quoted: after `>`, inside
a code block, indented as code, or as the continuation of a quoted paragraph. So a verdict that stands in the material
does not count when the model repeats it.

Limits: a model that is persuaded by the material, and repeats its verdict as its own, cannot be recognized.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence

from swarm_core.ports import Completion, Request
from swarm_core.recipe import ModelName

MAX_LINE_LENGTH = 200
"""Maximum length of a line that states a verdict, in characters."""
MAX_JSON_LENGTH = 65_536
"""Maximum length of a verdict in JSON, in characters."""
EXCERPT_LENGTH = 80
MARKUP = r"[ *_#]{0,12}"
"""The markup that may surround the words of a line that states a verdict. No quotation mark is among them."""
FENCES = ("```", "~~~")
YES_NO = ("yes", "no")
THOUGHTS = "thoughts"


def build_request(model: ModelName, prompt: str, max_tokens: int, schema: str) -> Request:
    """Return the request for a verdict. It uses greedy decoding, so the same question has the same answer and can be
    cached."""
    return Request(model, prompt, max_tokens, temperature=0.0, seed=0, chat=True, reply_schema=schema)


def build_schema(field: str, values: Sequence[str | int]) -> str:
    """Return the JSON schema of a verdict: an object with thoughts, and after them `field` with one of `values`."""
    kind = "string" if isinstance(values[0], str) else "integer"
    fields = {THOUGHTS: {"type": "string"}, field: {"type": kind, "enum": list(values)}}
    return json.dumps({
        "type": "object", "properties": fields, "required": [THOUGHTS, field], "additionalProperties": False,
    })  # fmt: skip


def enclose(material: Mapping[str, str]) -> dict[str, str]:
    """Return each text of `material` between tags that are named after it, and the end of those names under `key`.

    The end is a digest of all texts, so a text that contained it would have to contain its own digest.
    """
    key = hashlib.sha256(json.dumps(dict(material), sort_keys=True).encode()).hexdigest()[:16]
    enclosed = {name: f"<{name}-{key}>\n{text}\n</{name}-{key}>" for name, text in material.items()}
    return {**enclosed, "key": key}


def read_json_verdict(reply: Completion, field: str) -> object | None:
    """Return the value of `field` if the whole reply is one object of the schema; None if it is not."""
    text = reply.text.strip()
    if len(text) > MAX_JSON_LENGTH or not text.startswith("{"):
        return None
    try:
        pairs = json.loads(text, object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        return None
    found = dict(pairs) if all(isinstance(name, str) for name, _ in pairs) else {}
    return found[field] if len(pairs) == len(found) == 2 and found.keys() == {THOUGHTS, field} else None


def read_last_line(reply: Completion) -> str | None:
    """Return the last line of a reply that is not blank; None if it is too long for a verdict or quoted."""
    lines = reply.text.rstrip().replace("\r\n", "\n").split("\n")
    last, before = lines[-1], lines[-2] if len(lines) > 1 else ""
    indented = last.startswith(("\t", "    "))
    if len(last) > MAX_LINE_LENGTH or indented or is_fence_open(lines) or before.lstrip().startswith(">"):
        return None
    return last.strip()


def build_yes_no_line(name: str) -> re.Pattern[str]:
    """Return the pattern of a last line such as `**Valid:** yes`. `name`: the word before the verdict."""
    return re.compile(rf"{MARKUP}{name}{MARKUP}[:=]{MARKUP}(?P<word>yes|no)[ *_.]*", re.IGNORECASE)


def read_yes_no(reply: Completion, field: str, line: re.Pattern[str]) -> bool | None:
    """Return the verdict of a finished reply, in the JSON field `field` or in a last line of the form `line`; None if
    it has no clear verdict."""
    word = read_json_verdict(reply, field)
    if found := line.fullmatch(read_last_line(reply) or ""):
        word = found["word"].lower()
    return word == "yes" if reply.finished and word in YES_NO else None


def is_fence_open(lines: Sequence[str]) -> bool:
    """Return whether a code block is open after `lines`. A block ends with the kind of fence that it began with."""
    opened = ""
    for line in lines:
        fence = next((one for one in FENCES if line.lstrip().startswith(one)), "")
        if fence and opened in ("", fence):
            opened = "" if opened else fence
    return bool(opened)


def format_excerpt(reply: Completion) -> str:
    """Return the end of a reply on one line, for a message."""
    return repr(" ".join(reply.text[-1000:].split())[-EXCERPT_LENGTH:])
