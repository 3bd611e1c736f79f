"""HTTP as endpoints need it: JSON goes out, bytes come back, over connections that are kept.

An answer is whatever a server says, with any status; `NoResponseError` is that none came, on one line, whatever was in
the way. Keys go to the endpoint that they are for and nowhere else: no proxy and no netrc of the environment, no
redirect followed, no cookie kept. One deadline covers connecting, sending and reading, so a byte now and then holds
nobody.

Of an answer `MAX_RESPONSE_BYTES` bytes are read, unpacked ones if it was packed. How many requests are under way is the
caller's to bound. Every method is for the loop in which the object was made.
"""

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import certifi

MAX_RESPONSE_BYTES = 16 << 20
"""Bytes of an answer that are read: a cut one is no completion."""
KEEPALIVE_SECONDS = 4.5
"""For which a connection without a request is kept: uvicorn, and so vLLM, closes it after 5."""


class NoResponseError(Exception):
    """No answer came; why, on one line."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What a server said."""

    status: int
    data: bytes
    retry_after: str | None = None


class HttpSession:
    """Connections to any number of servers."""

    def __init__(self) -> None:
        """Within a running loop."""
        # The same authorities on every machine, whatever its own store holds.
        trusted = ssl.create_default_context(cafile=certifi.where())
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_SECONDS, ssl=trusted),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
        )

    async def post(self, url: str, body: object, headers: Mapping[str, str], seconds: float) -> HttpResponse:
        """What is answered to `body` within so many seconds. Raises Broken."""
        data = json.dumps(body, separators=(",", ":")).encode()
        return await self._send_request("POST", url, data, {**headers, "Content-Type": "application/json"}, seconds)

    async def get(self, url: str, headers: Mapping[str, str], seconds: float) -> HttpResponse:
        """What is answered within so many seconds. Raises Broken."""
        return await self._send_request("GET", url, None, headers, seconds)

    async def close(self) -> None:
        """End all connections, and let the loop take note of their end."""
        await self._session.close()
        await asyncio.sleep(0.01)

    async def _send_request(
        self, method: str, url: str, data: bytes | None, headers: Mapping[str, str], seconds: float
    ) -> HttpResponse:
        asked = self._session.request(method, url, data=data, headers=headers, allow_redirects=False)
        try:
            async with asyncio.timeout(seconds), asked as answer:
                read = await read_limited(answer.content)
        except TimeoutError as error:
            raise NoResponseError(f"TimeoutError: not within {seconds:.1f} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise NoResponseError(f"{type(error).__name__} {' '.join(str(error).split())}".rstrip()) from error
        return HttpResponse(answer.status, read, answer.headers.get("Retry-After"))


async def read_limited(content: aiohttp.StreamReader) -> bytes:
    """A body, as far as it is no longer than any that makes sense."""
    data = bytearray()
    async for piece in content.iter_any():
        data += piece
        if len(data) > MAX_RESPONSE_BYTES:
            break
    return bytes(data[:MAX_RESPONSE_BYTES])
