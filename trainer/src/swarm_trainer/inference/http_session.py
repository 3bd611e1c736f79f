"""The HTTP client for endpoints: it sends JSON, receives bytes and keeps its connections.

Any status is an answer. `NoResponseError` means that no answer came, whatever the reason, and says why on one line.
Keys go only to the endpoint that they are for: the client uses no netrc of the environment, follows no redirect and
keeps no cookie. Through a proxy, an https:// endpoint is reached by a tunnel, which the proxy cannot read. One deadline
covers connecting, sending and reading, so a server that sends a byte now and then cannot hold a request.

Limits: the client reads at most MAX_RESPONSE_BYTES bytes of an answer, counted after decompression. The caller limits
the number of concurrent requests. Every method must run on the event loop in which the object was made.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from swarm_trainer import network

MAX_RESPONSE_BYTES = 16 << 20
"""Bytes read of an answer. A truncated answer is not valid JSON and so never counts as a completion."""
KEEPALIVE_SECONDS = 4.5
"""Seconds for which an idle connection is kept. uvicorn, and so vLLM, closes it after 5."""


CONNECT_SECONDS = 30.0
"""Seconds for finding the address, connecting, the TLS handshake and the tunnel of a proxy."""


class NoResponseError(Exception):
    """No answer came. The message is the reason, on one line."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """The answer of a server."""

    status: int
    data: bytes
    retry_after: str | None = None
    retry_after_ms: str | None = None


class HttpSession:
    """Connections to any number of servers."""

    def __init__(self) -> None:
        """Call it on a running event loop. Raises BadInputError if a file of certificates cannot be read."""
        trusted = network.create_ssl_context()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_SECONDS, ssl=trusted),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS),
            trust_env=False,
        )

    async def post(self, url: str, body: object, headers: Mapping[str, str], seconds: float) -> HttpResponse:
        """The answer to `body` within `seconds`. Raises NoResponseError."""
        data = json.dumps(body, separators=(",", ":")).encode()
        return await self._send_request("POST", url, data, {**headers, "Content-Type": "application/json"}, seconds)

    async def get(self, url: str, headers: Mapping[str, str], seconds: float) -> HttpResponse:
        """The answer within `seconds`. Raises NoResponseError."""
        return await self._send_request("GET", url, None, headers, seconds)

    async def close(self) -> None:
        """Close all connections and let the event loop process that."""
        await self._session.close()
        await asyncio.sleep(0.01)

    async def _send_request(
        self, method: str, url: str, data: bytes | None, headers: Mapping[str, str], seconds: float
    ) -> HttpResponse:
        proxy = network.find_proxy(url)
        request = self._session.request(method, url, data=data, headers=headers, allow_redirects=False, proxy=proxy)
        try:
            async with asyncio.timeout(seconds), request as answer:
                read = await read_limited(answer.content)
        except aiohttp.ConnectionTimeoutError as error:
            raise NoResponseError(f"TimeoutError: no connection within {CONNECT_SECONDS:.1f} s") from error
        except TimeoutError as error:
            raise NoResponseError(f"TimeoutError: no answer within {seconds:.1f} s") from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise NoResponseError(network.UNTRUSTED) from error
        except (aiohttp.ClientError, OSError, EOFError, ValueError) as error:
            raise NoResponseError(f"{type(error).__name__} {' '.join(str(error).split())}".rstrip()) from error
        named = answer.headers
        return HttpResponse(answer.status, read, named.get("Retry-After"), named.get("Retry-After-Ms"))


async def read_limited(content: aiohttp.StreamReader) -> bytes:
    """The body, cut after MAX_RESPONSE_BYTES."""
    data = bytearray()
    async for piece in content.iter_any():
        data += piece
        if len(data) > MAX_RESPONSE_BYTES:
            break
    return bytes(data[:MAX_RESPONSE_BYTES])
