"""The checks of a request that need neither its model nor its tokens.

Limits: the checks against a model's length are in `prompt_encoder`.
"""

from swarm_core.ports import Request


def find_field_error(request: Request) -> str | None:
    """The message for a request whose fields no engine can satisfy. None if there is no such field."""
    if request.n < 1:
        return f"n {request.n}: a request writes at least one text; set n to 1 or more"
    if not 0.0 < request.top_p <= 1.0:
        return f"top_p {request.top_p}: a share of the probability lies above 0 and at most at 1; 1 samples from all"
    if request.logprobs is not None and request.logprobs < 0:
        return f"logprobs {request.logprobs}: a number of tokens is at least 0; leave it out for none at all"
    if not request.chat and (request.system is not None or request.turns):
        return "system text and turns need the chat template; set chat, or write them into the prompt"
    return None
