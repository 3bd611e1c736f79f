"""The work queue: each key once, in order, never with two workers, and with backoff."""

import asyncio
from collections.abc import Awaitable, Callable

from swarm_operator.api_client.workqueue import WorkQueue


def running(test: Callable[[WorkQueue], Awaitable[None]]) -> None:
    async def run() -> None:
        queue = WorkQueue(0.02, 0.1, lambda key, failures: 1.0)
        await test(queue)
        queue.close()

    asyncio.run(run())


async def waiting(queue: WorkQueue, seconds: float = 0.01) -> str | None:
    """The next key if one comes soon."""
    try:
        return await asyncio.wait_for(queue.take(), seconds)
    except TimeoutError:
        return None


def test_a_key_added_often_is_taken_once_and_in_turn() -> None:
    async def test(queue: WorkQueue) -> None:
        for key in "abacab":
            queue.add(key)
        assert [await queue.take() for _ in range(3)] == ["a", "b", "c"]
        assert await waiting(queue) is None

    running(test)


def test_a_key_added_while_it_is_worked_on_comes_again_afterwards() -> None:
    async def test(queue: WorkQueue) -> None:
        queue.add("a")
        assert await queue.take() == "a"
        queue.add("a")
        assert await waiting(queue) is None, "two workers at once"
        queue.done("a")
        assert await queue.take() == "a"

    running(test)


def test_the_earlier_of_two_times_counts() -> None:
    async def test(queue: WorkQueue) -> None:
        queue.add_later("a", 30.0)
        queue.add_later("a", 0.01)
        queue.add_later("a", 30.0)
        assert await waiting(queue, 0.5) == "a"
        queue.done("a")
        queue.add_later("a", 30.0)
        queue.add("a")
        assert await waiting(queue) == "a"
        queue.done("a")
        assert await waiting(queue) is None, "its time came although it had been looked at"

    running(test)


def test_a_failed_key_waits_longer_each_time_until_it_succeeds() -> None:
    async def test(queue: WorkQueue) -> None:
        pauses = []
        for _ in range(5):
            queue.add("a")
            await queue.take()
            pauses.append(queue.retry_later("a"))
            queue.done("a")
        assert pauses == [0.02, 0.04, 0.08, 0.1, 0.1]
        queue.reset_failures("a")
        assert queue.retry_later("a") == 0.02
        assert queue.retry_later("a", least=7.0) == 7.0, "the server asked for more"

    running(test)


def test_a_failed_key_is_not_taken_before_its_time() -> None:
    async def test(queue: WorkQueue) -> None:
        queue.add("a")
        await queue.take()
        queue.add("a")
        queue.retry_later("a")
        queue.done("a")
        assert await waiting(queue) is None
        assert await waiting(queue, 0.5) == "a"

    running(test)


def test_one_that_fails_for_ever_holds_nobody_up() -> None:
    async def test(queue: WorkQueue) -> None:
        served = []
        for key in ("bad", "x", "y"):
            queue.add(key)
        for _ in range(3):
            key = await queue.take()
            served.append(key)
            queue.retry_later(key) if key == "bad" else queue.reset_failures(key)
            queue.done(key)
        assert served == ["bad", "x", "y"]

    running(test)


def test_a_forgotten_key_does_not_come() -> None:
    async def test(queue: WorkQueue) -> None:
        queue.add("a")
        queue.add_later("b", 0.01)
        queue.forget("a")
        queue.forget("b")
        assert await waiting(queue, 0.05) is None

    running(test)
