"""The checks of a request that need neither its model nor its tokens.

Limits: the checks against a model's length are in `prompt_encoder`.
"""

from swarm_core.ports import Request


def find_field_error(request: Request) -> str | None:
    """The message for a request whose fields no engine can satisfy. None if there is no such field."""
    if request.n < 1:
        return f"n {request.n}: a request writes at least one text; set n to 1 or more"
    if not 0.0 < request.top_p <= 1.0:
        return f"top_p {request.top_p}: it is a share of the probability, above 0 and at most 1; use 1 for all tokens"
    if request.logprobs is not None and request.logprobs < 0:
        return (
            f"logprobs {request.logprobs}: it is a number of tokens, 0 or more; leave it out for no log-probabilities"
        )
    if request.answer is not None:
        return "answer: only a classifier labels an answer, and this model writes text; ask a classifier"
    if not request.chat and (request.system is not None or request.turns):
        return "system text and turns need the chat template; set chat, or write them into the prompt"
    return None
