"""Lanes: every job has an engine to itself, and results come in the order asked for."""

import threading
from collections.abc import Sequence

import pytest

from swarm_core.ports import Completion, Inference, Request, RequestFailure
from swarm_core.recipe import Recipe
from swarm_trainer.evaluation import lanes


class Exclusive:
    """An engine that notices when two use it at once."""

    def __init__(self) -> None:
        self.held = threading.Lock()

    def serve(self, live: Sequence[Recipe]) -> None:
        pass

    def complete(self, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        if not self.held.acquire(blocking=False):
            raise AssertionError("two jobs on one engine")
        try:
            return [Completion(request.prompt, 1, True) for request in requests]
        finally:
            self.held.release()

    def close(self) -> None:
        pass


def job(number: int) -> lanes.EngineJob[int]:
    def run(engine: Inference) -> int:
        engine.complete([])
        return number

    return run


@pytest.mark.parametrize("count", [1, 2, 5])
def test_results_come_in_the_order_asked_for(count: int) -> None:
    engines = [Exclusive() for _ in range(count)]
    assert list(lanes.run_jobs(engines, [job(number) for number in range(50)])) == list(range(50))


def test_lanes_work_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=20)

    def meet(engine: Inference) -> bool:
        meeting.wait()
        return True

    assert list(lanes.run_jobs([Exclusive(), Exclusive()], [meet, meet])) == [True, True]


@pytest.mark.parametrize("count", [1, 2])
def test_a_job_that_fails_ends_the_rest(count: int) -> None:
    done: list[int] = []
    never = threading.Event()

    def fail(engine: Inference) -> int:
        raise ValueError("no")

    def later(engine: Inference) -> int:
        never.wait(0.02)
        done.append(1)
        return 1

    with pytest.raises(ValueError, match="no"):
        list(lanes.run_jobs([Exclusive() for _ in range(count)], [fail, *[later] * 500]))
    assert len(done) < 500
