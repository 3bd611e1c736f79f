"""Routes each request to the engine of this run or to a remote endpoint, behind one `Inference` port.

Both work at the same time: remote requests run while our own engine computes. The own engine gets its requests as one
list, in the caller's order, so its batches do not depend on the remote requests.
"""

from collections.abc import Sequence

from swarm_core.ports import Completion, Inference, Request, RequestFailure
from swarm_core.recipe import Recipe
from swarm_trainer.inference import openai_protocol
from swarm_trainer.inference.chat_endpoints import ChatEndpoints


class RoutingInference:
    """The `Inference` port over our own engine and remote endpoints. Several routers may share the endpoints."""

    def __init__(self, own: Inference, others: ChatEndpoints) -> None:
        self._own, self._others = own, others

    def serve(self, live: Sequence[Recipe]) -> None:
        """Have our own engine serve `live`; the remote models are always available. Raises InferenceError."""
        self._own.serve(live)

    def complete(self, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        """One result per request, in order. Raises InferenceError, and BadInputError when the budget is used up."""
        remote = [index for index, request in enumerate(requests) if self._others.has_model(request.model)]
        local = [index for index, request in enumerate(requests) if not self._others.has_model(request.model)]
        remote_requests = [requests[index] for index in remote]
        future = self._others.submit(remote_requests) if remote_requests else None
        results: dict[int, Completion | RequestFailure] = {}
        if local:
            results.update(zip(local, self._own.complete([requests[index] for index in local]), strict=True))
        if future is not None:
            results.update(zip(remote, openai_protocol.resolve_outcomes(remote_requests, future.result()), strict=True))
        return [results[index] for index in range(len(requests))]

    def close(self) -> None:
        """Close both. Safe to call twice."""
        self._own.close()
        self._others.close()
