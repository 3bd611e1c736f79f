"""Counts the requests, tokens and latency of an engine that answers in batches and does not count them itself."""

import time
from collections.abc import Sequence

from swarm_core.ports import Completion, Inference, Request, RequestFailure
from swarm_core.recipe import Recipe
from swarm_core.usage import Usage, latency_bucket
from swarm_trainer.meter import Meter


class MeteredInference:
    """The `Inference` port with metering. The latency of a request is the time of the whole call."""

    def __init__(self, engine: Inference, meter: Meter) -> None:
        self._engine, self._meter = engine, meter

    def serve(self, live: Sequence[Recipe]) -> None:
        self._engine.serve(live)

    def complete(self, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        began = time.monotonic()
        with self._meter.time_requests():
            results = self._engine.complete(requests)
        answered = [result for result in results if isinstance(result, Completion)]
        self._meter.add(
            Usage(
                requests=len(results),
                failed=len(results) - len(answered),
                tokens=sum(result.tokens for result in answered),
                latencies=((latency_bucket(time.monotonic() - began), len(answered)),) if answered else (),
            )
        )
        return results

    def close(self) -> None:
        self._engine.close()
