"""A request as the messages of a chat: the form that chat templates and chat endpoints take."""

from swarm_core.ports import Request
from swarm_core.text import control_markup

Message = dict[str, str]


def build_messages(request: Request) -> list[Message]:
    """The system text if there is one, the earlier turns, and the prompt as the last user turn."""
    system = [] if request.system is None else [{"role": "system", "content": request.system}]
    turns = [{"role": turn.role, "content": turn.text} for turn in request.turns]
    return [*system, *turns, {"role": "user", "content": request.prompt}]


def escape_messages(messages: list[Message]) -> list[Message]:
    """Return the messages for a server that tokenizes them itself: marks that models read as control tokens get an
    invisible character, because many servers take them for the tokens wherever they stand."""
    return [{**message, "content": control_markup.escape(message["content"])} for message in messages]
