"""A request as the messages of a chat: the form that chat templates and chat endpoints take."""

from swarm_core.ports import Request

Message = dict[str, str]


def build_messages(request: Request) -> list[Message]:
    """The system text if there is one, the earlier turns, and the prompt as the last user turn."""
    system = [] if request.system is None else [{"role": "system", "content": request.system}]
    turns = [{"role": turn.role, "content": turn.text} for turn in request.turns]
    return [*system, *turns, {"role": "user", "content": request.prompt}]
