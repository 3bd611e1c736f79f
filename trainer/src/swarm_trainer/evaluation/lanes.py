"""Several candidates examined at once, each on an engine of its own, the results in the order asked for.

A lane is one engine and one thread. What a candidate is asked and how its requests are batched depends on the candidate
alone, so the number of lanes changes no result, only the time: while one lane is in Python, another computes.
"""

import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from swarm_core.ports import Inference

T = TypeVar("T")
EngineJob = Callable[[Inference], T]


def run_jobs(engines: Sequence[Inference], jobs: Sequence[EngineJob[T]]) -> Iterator[T]:
    """The result of every job, in order; each job has an engine to itself while it runs. Raises what a job raises."""
    if len(engines) == 1:
        yield from (job(engines[0]) for job in jobs)
        return
    free: queue.SimpleQueue[Inference] = queue.SimpleQueue()
    for engine in engines:
        free.put(engine)

    def run(job: EngineJob[T]) -> T:
        engine = free.get()
        try:
            return job(engine)
        finally:
            free.put(engine)

    with ThreadPoolExecutor(len(engines)) as pool:
        try:
            yield from pool.map(run, jobs)
        finally:
            pool.shutdown(cancel_futures=True)
