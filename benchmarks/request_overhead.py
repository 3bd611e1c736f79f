"""What a request costs our client, beside others, at a server that answers at once.

The server is a process of its own that reads a request and writes the same completion: whatever time goes by is the
client's. Each way sends the same bodies, as many under way as `--concurrency` says, over connections that are kept:

- *ours*: `sending.Sender` on its `EventLoopThread`, with deadlines, retries and the meter, as every lane of a run asks.
- *aiohttp*: the bare library, which vLLM's own benchmark asks with; answers are read and not looked at.
- *httpx*: the bare library, where it is installed; what we asked with before.

In turn in every round, after one that does not count; medians of processor milliseconds a request, of the client's
process, and of requests a second.

Limits: no tokens are counted out and no model runs; `serving.py` asks a real server.
"""

import argparse
import asyncio
import importlib.util
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

import aiohttp

from swarm_core.ports import Completion
from swarm_trainer.inference.endpoint import Endpoint
from swarm_trainer.inference.retrying_client import ClientSettings, EventLoopThread, RetryingClient

Body = dict[str, object]
Ask = Callable[[Body], Awaitable[object]]

PROMPT_TOKENS, TOKENS = 60, 25
COMPLETION = {
    "id": "cmpl-0", "object": "text_completion", "created": 0, "model": "m" * 64,
    "choices": [{"index": 0, "text": " 1+2=3" * 5, "logprobs": None, "finish_reason": "stop", "stop_reason": None}],
    "usage": {"prompt_tokens": PROMPT_TOKENS, "total_tokens": PROMPT_TOKENS + TOKENS, "completion_tokens": TOKENS},
}  # fmt: skip


class InstantServer(asyncio.Protocol):
    """A connection whose requests are answered as soon as they are whole."""

    def __init__(self) -> None:
        data = json.dumps(COMPLETION).encode()
        self.answer = (
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(data) + data
        )
        self.seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.seen += data
        head, end, body = self.seen.partition(b"\r\n\r\n")
        if end and len(body) >= int(head.lower().partition(b"content-length:")[2].split(None, 1)[0]):
            self.seen = b""
            self.transport.write(self.answer)


def serve_forever(told: Connection) -> None:
    """Answer for ever, at the port that is told."""

    async def serving() -> None:
        server = await asyncio.get_running_loop().create_server(InstantServer, "127.0.0.1", 0, backlog=1024)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serving())


async def send_all(ask: Ask, bodies: Sequence[Body], concurrency: int) -> None:
    """Every body asked, so many at a time."""
    gate = asyncio.Semaphore(concurrency)

    async def one(body: Body) -> None:
        async with gate:
            await ask(body)

    await asyncio.gather(*map(one, bodies))


class OurClient:
    """Our client, its line kept from round to round."""

    def __init__(self, url: str, concurrency: int) -> None:
        self.line, self.concurrency = EventLoopThread(), concurrency
        self.endpoint = Endpoint(url, Path(), "k" * 16)

    def run(self, bodies: Sequence[Body]) -> None:
        async def work(session: object) -> None:
            client = RetryingClient(session, self.endpoint, ClientSettings())  # type: ignore[arg-type]

            async def ask(body: Body) -> None:
                assert isinstance(await client.complete(body), Completion)

            await send_all(ask, bodies, self.concurrency)

        self.line.run(work)


def bare_aiohttp(url: str, bodies: Sequence[Body], concurrency: int) -> None:
    async def work() -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            connector=connector, headers={"Authorization": "Bearer " + "k" * 16}
        ) as session:

            async def ask(body: Body) -> None:
                async with session.post(f"{url}/v1/completions", json=body) as answer:
                    assert await answer.read()

            await send_all(ask, bodies, concurrency)

    asyncio.run(work())


def bare_httpx(url: str, bodies: Sequence[Body], concurrency: int) -> None:
    import httpx  # noqa: PLC0415 - no dependency of ours

    async def work() -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=256)
        headers = {"Authorization": "Bearer " + "k" * 16}
        async with httpx.AsyncClient(limits=limits, trust_env=False, headers=headers) as client:

            async def ask(body: Body) -> None:
                assert (await client.post(f"{url}/v1/completions", json=body, timeout=600.0)).content

            await send_all(ask, bodies, concurrency)

    asyncio.run(work())


def build_body(number: int) -> Body:
    return {
        "model": "m" * 64, "prompt": [number % 50] * PROMPT_TOKENS, "max_tokens": 40, "temperature": 0.0,
        "seed": number, "stop": ["\n"], "stop_token_ids": [2], "top_p": 1.0, "n": 1,
    }  # fmt: skip


def processor_seconds() -> float:
    """Processor seconds of this process, all its threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure_clients(url: str, options: argparse.Namespace) -> dict[str, list[tuple[float, float]]]:
    """Of each way: processor milliseconds a request, and requests a second, in every round."""
    mine = OurClient(url, options.concurrency)
    ways: dict[str, Callable[[Sequence[Body]], None]] = {"ours": mine.run}
    ways["aiohttp"] = lambda bodies: bare_aiohttp(url, bodies, options.concurrency)
    if importlib.util.find_spec("httpx"):
        ways["httpx"] = lambda bodies: bare_httpx(url, bodies, options.concurrency)
    bodies, found = [build_body(number) for number in range(options.requests)], {name: [] for name in ways}
    for number in range(options.rounds + 1):
        for name, way in ways.items():
            begin, before = time.perf_counter(), processor_seconds()
            way(bodies)
            figures = 1000 * (processor_seconds() - before) / len(bodies), len(bodies) / (time.perf_counter() - begin)
            found[name].extend([figures] if number else [])
    mine.line.close()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve_forever, args=(there,), daemon=True)
    server.start()
    try:
        found = measure_clients(f"http://127.0.0.1:{here.recv()}", options)
    finally:
        server.kill()
    print("| | processor ms a request, median (least to most) | it / ours | requests/s, median |\n|---|---|---|---|")
    mine = median(cost for cost, _ in found["ours"])
    for name, rounds in found.items():
        costs = [cost for cost, _ in rounds]
        spread = f"{median(costs):.2f} ({min(costs):.2f} to {max(costs):.2f})"
        print(f"| {name} | {spread} | {median(costs) / mine:.1f} | {median(rate for _, rate in rounds):.0f} |")
    print(f"\n{options.requests} requests, {options.concurrency} at once; load {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
