"""An engine whose work is counted: for engines that answer in batches, and do not count themselves."""

import time
from collections.abc import Sequence

from swarm_core.ports import Completion, Inference, Request, RequestFailure
from swarm_core.recipe import Recipe
from swarm_core.usage import Usage, latency_bucket
from swarm_trainer.meter import Meter


class MeteredInference:
    """The `Inference` port, counted: a request takes as long as the whole call that it is answered in."""

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
