"""Routes each request to the engine of this run or to a remote endpoint, behind one `Inference` port.

Both work at the same time: remote requests run while our own engine computes. The own engine gets its requests as one
list, in the caller's order, so its batches do not depend on the remote requests.
"""

from collections.abc import Sequence

from swarm_core.errors import BadInputError, add_code
from swarm_core.ports import Completion, Inference, InferenceError, Request, RequestFailure
from swarm_core.recipe import Recipe
from swarm_trainer.inference.chat_endpoints import ChatEndpoints
from swarm_trainer.inference.provider_failures import FailureClass, Unavailable
from swarm_trainer.inference.reply_parser import RequestOutcome

RESUME_HINT = "nothing was stored for this measurement, and the answers so far are kept"


class RoutingInference:
    """The `Inference` port over our own engine and remote endpoints. Several routers may share the endpoints."""

    def __init__(self, own: Inference, others: ChatEndpoints) -> None:
        self._own, self._others = own, others

    def serve(self, live: Sequence[Recipe]) -> None:
        """Have our own engine serve `live`; the remote models are always available. Raises InferenceError."""
        self._own.serve(live)

    def complete(self, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        """One result per request, in order.

        Raises InferenceError for an outage, and BadInputError for what the user must act on: the budget, a key, an
        account, a model that is gone.
        """
        remote = [index for index, request in enumerate(requests) if self._others.has_model(request.model)]
        local = [index for index, request in enumerate(requests) if not self._others.has_model(request.model)]
        remote_requests = [requests[index] for index in remote]
        future = self._others.submit(remote_requests) if remote_requests else None
        results: dict[int, Completion | RequestFailure] = {}
        if local:
            results.update(zip(local, self._own.complete([requests[index] for index in local]), strict=True))
        if future is not None:
            results.update(zip(remote, resolve_outcomes(future.result()), strict=True))
        return [results[index] for index in range(len(requests))]

    def close(self) -> None:
        """Close both. Safe to call twice."""
        self._own.close()
        self._others.close()


class RemoteInference:
    """The `Inference` port over remote endpoints alone."""

    def __init__(self, endpoints: ChatEndpoints) -> None:
        self._endpoints = endpoints

    def serve(self, live: Sequence[Recipe]) -> None:
        """Remote models are always available, and no recipe can be served. Raises InferenceError for a recipe."""
        if live:
            raise InferenceError(f"{live[0].name} cannot be served: only remote models are asked")

    def complete(self, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        """One result per request, in order. Raises as `RoutingInference.complete` does."""
        return resolve_outcomes(self._endpoints.submit(requests).result()) if requests else []

    def close(self) -> None:
        """Close the endpoints. Safe to call twice."""
        self._endpoints.close()


def resolve_outcomes(outcomes: Sequence[RequestOutcome]) -> list[Completion | RequestFailure]:
    """The results of remote requests. An outage is never a result.

    Raises BadInputError if the user must act, InferenceError if waiting may help.
    """
    missing = [outcome for outcome in outcomes if isinstance(outcome, Unavailable)]
    for outcome in missing:
        if outcome.cause in (FailureClass.ACCOUNT, FailureClass.REFUSAL):
            advice = f"{RESUME_HINT}: mend the key, the account or the endpoint, and run again"
            raise add_code(BadInputError(f"{outcome.description}; {advice}"), outcome.code)
    for outcome in missing:
        advice = f"{RESUME_HINT}: run again when the endpoint answers"
        raise add_code(InferenceError(f"{outcome.description}; {advice}"), outcome.code)
    return [outcome for outcome in outcomes if not isinstance(outcome, Unavailable)]
