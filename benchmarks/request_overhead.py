"""Measures the cost of a request in our client, and in two other clients, against a server that answers at once.

The server is a separate process that reads a request and writes a fixed completion, so all measured time is the
client's. Each client sends the same bodies, with `--concurrency` requests in flight, over connections that are kept
open:

- *ours*: `retrying_client.RetryingClient` on its `EventLoopThread`, with deadlines and retries, as every lane of a run.
- *aiohttp*: the bare library, which vLLM's own benchmark uses; answers are read but not parsed.
- *httpx*: the bare library, if it is installed; earlier versions used it.

The clients take turns in every round, after one round that does not count. The figures are medians of processor
milliseconds per request in the client's process, and of requests per second.

Limits: no tokens are counted and no model runs; `serving.py` uses a real server.
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
    """A connection that answers a request as soon as it is complete."""

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


def serve_forever(port_sender: Connection) -> None:
    """Serve without end, at a port that is sent to `port_sender`."""

    async def serving() -> None:
        server = await asyncio.get_running_loop().create_server(InstantServer, "127.0.0.1", 0, backlog=1024)
        port_sender.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serving())


async def send_all(ask: Ask, bodies: Sequence[Body], concurrency: int) -> None:
    """Send every body, with at most `concurrency` requests in flight."""
    gate = asyncio.Semaphore(concurrency)

    async def one(body: Body) -> None:
        async with gate:
            await ask(body)

    await asyncio.gather(*map(one, bodies))


class OurClient:
    """Our client; its event loop is kept from round to round."""

    def __init__(self, url: str, concurrency: int) -> None:
        self.loop, self.concurrency = EventLoopThread(), concurrency
        self.endpoint = Endpoint(url, Path(), "k" * 16)

    def run(self, bodies: Sequence[Body]) -> None:
        async def work(session: object) -> None:
            client = RetryingClient(session, self.endpoint, ClientSettings())  # type: ignore[arg-type]

            async def ask(body: Body) -> None:
                assert isinstance(await client.complete(body), Completion)

            await send_all(ask, bodies, self.concurrency)

        self.loop.run(work)


def send_with_aiohttp(url: str, bodies: Sequence[Body], concurrency: int) -> None:
    """Send the bodies with aiohttp alone."""

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


def send_with_httpx(url: str, bodies: Sequence[Body], concurrency: int) -> None:
    """Send the bodies with httpx alone."""
    import httpx  # noqa: PLC0415 - not a dependency of ours

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


def read_processor_seconds() -> float:
    """Return the processor seconds of this process, over all its threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def measure_clients(url: str, options: argparse.Namespace) -> dict[str, list[tuple[float, float]]]:
    """Return the processor milliseconds per request and the requests per second, by client and round."""
    mine = OurClient(url, options.concurrency)
    clients: dict[str, Callable[[Sequence[Body]], None]] = {"ours": mine.run}
    clients["aiohttp"] = lambda bodies: send_with_aiohttp(url, bodies, options.concurrency)
    if importlib.util.find_spec("httpx"):
        clients["httpx"] = lambda bodies: send_with_httpx(url, bodies, options.concurrency)
    bodies = [build_body(number) for number in range(options.requests)]
    figures_by_client: dict[str, list[tuple[float, float]]] = {name: [] for name in clients}
    for number in range(options.rounds + 1):
        for name, client in clients.items():
            begin, before = time.perf_counter(), read_processor_seconds()
            client(bodies)
            figures = (
                1000 * (read_processor_seconds() - before) / len(bodies),
                len(bodies) / (time.perf_counter() - begin),
            )
            figures_by_client[name].extend([figures] if number else [])
    mine.loop.close()
    return figures_by_client


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
        figures_by_client = measure_clients(f"http://127.0.0.1:{here.recv()}", options)
    finally:
        server.kill()
    print("| | processor ms per request, median (min to max) | ratio to ours | requests/s, median |\n|---|---|---|---|")
    mine = median(cost for cost, _ in figures_by_client["ours"])
    for name, rounds in figures_by_client.items():
        costs = [cost for cost, _ in rounds]
        spread = f"{median(costs):.2f} ({min(costs):.2f} to {max(costs):.2f})"
        print(f"| {name} | {spread} | {median(costs) / mine:.1f} | {median(rate for _, rate in rounds):.0f} |")
    print(f"\n{options.requests} requests, {options.concurrency} in flight; load {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
