"""Reads an item from a list of chat messages: the first user message is the text, the reply to it is the reference.

Two forms are read: `{"role": "user", "content": "..."}`, and `{"from": "human", "value": "..."}`. The content may be a
list of parts; its text parts are joined.

Limits: system messages and later turns are left out.
"""

from collections.abc import Mapping, Sequence

USER_ROLES = frozenset({"user", "human", "prompter"})
ASSISTANT_ROLES = frozenset({"assistant", "gpt", "model", "chatgpt", "bot"})
ROLE_NAMES, CONTENT_NAMES = ("role", "from"), ("content", "value")


def is_chat(value: object) -> bool:
    """Whether a value is a list of chat messages."""
    return isinstance(value, list) and bool(value) and all(read_message(one) is not None for one in value)


def read_message(value: object) -> tuple[str, str] | None:
    """The role and the text of a message; None if it is no message."""
    if not isinstance(value, Mapping):
        return None
    role = next((value[name] for name in ROLE_NAMES if isinstance(value.get(name), str)), None)
    content = next((value[name] for name in CONTENT_NAMES if name in value), None)
    text = join_parts(content)
    return None if role is None or text is None else (str(role).lower(), text)


def join_parts(content: object) -> str | None:
    """The text of the content of a message; None if it has another form."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, Mapping) for part in content):
        return "\n".join(str(part["text"]) for part in content if isinstance(part.get("text"), str))
    return None


def find_turn(messages: Sequence[object]) -> tuple[str | None, str | None]:
    """The first user message, and the assistant's reply to it; None for what is not there."""
    text: str | None = None
    for message in messages:
        role, content = read_message(message) or ("", "")
        if text is None and role in USER_ROLES:
            text = content
        elif text is not None:
            return text, content if role in ASSISTANT_ROLES else None
    return text, None
