"""Examines several candidates at the same time, each on its own engine, with the results in order.

A lane is one engine and one thread. The requests of a candidate and their batches depend on the candidate alone. So the
number of lanes changes the time and no result: while one lane runs Python, another computes.
"""

import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from swarm_core.ports import Inference

T = TypeVar("T")
EngineJob = Callable[[Inference], T]


def run_jobs(engines: Sequence[Inference], jobs: Sequence[EngineJob[T]]) -> Iterator[T]:
    """Yield the result of every job, in order. Each job has an engine to itself while it runs.

    Raises what a job raises.
    """
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
