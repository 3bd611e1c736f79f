"""Every kind of fault of an endpoint: those that pass, those that last, and those that meet one item alone."""

import email.utils
import json
import re
import time
from collections.abc import Callable
from typing import Any

from faulty_endpoint import Exchange, Fault, head

from swarm_core.objectives.scores import AnswerFate

CLOSED_SECONDS = 0.03
HUGE = 17 << 20


def completion(reason: str | None = "stop", **message: Any) -> bytes:
    """A chat completion with one choice, whose message holds these fields."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}
    return json.dumps({"choices": [choice], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}).encode()


def says(name: str, status: int, data: bytes | Callable[[Exchange], bytes] = b"", **headers: str) -> Fault:
    """A fault that is an answer. An empty `data` is an error in JSON."""

    async def act(exchange: Exchange) -> bool:
        error = json.dumps({"error": {"message": name}}).encode()
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return await exchange.send(status, (data if isinstance(data, bytes) else data(exchange)) or error, named)

    return Fault(name, act, refuses=300 <= status < 500 and status not in (408, 409, 423, 425, 429))


def error_body(message: str, **fields: Any) -> bytes:
    return json.dumps({"error": {"message": message, **fields}}).encode()


async def refuse(exchange: Exchange) -> bool:
    await exchange.site.close_door(CLOSED_SECONDS)
    return False


async def lose_address(exchange: Exchange) -> bool:
    exchange.site.lookups_to_fail += 2
    return False


async def break_handshake(exchange: Exchange) -> bool:
    exchange.site.handshakes_to_break += 2
    return False


async def send_nothing(exchange: Exchange) -> bool:
    return False


async def reset_at_once(exchange: Exchange) -> bool:
    return exchange.reset()


async def reset_in_body(exchange: Exchange) -> bool:
    await send_half(exchange)
    return exchange.reset()


async def close_in_body(exchange: Exchange) -> bool:
    await send_half(exchange)
    return False


async def stall_at_once(exchange: Exchange) -> bool:
    return await exchange.stall()


async def stall_in_body(exchange: Exchange) -> bool:
    await send_half(exchange)
    return await exchange.stall()


async def cut_chunks(exchange: Exchange) -> bool:
    exchange.writer.write(head(200, {"Transfer-Encoding": "chunked"}) + b"20\r\n" + exchange.right[:32] + b"\r\n")
    await exchange.writer.drain()
    return False


async def send_half(exchange: Exchange) -> None:
    data = exchange.right
    exchange.writer.write(head(200, {"Content-Length": str(len(data))}) + data[: len(data) // 2])
    await exchange.writer.drain()


async def retry_at_date(exchange: Exchange) -> bool:
    date = email.utils.formatdate(time.time() + 1, usegmt=True)
    return await exchange.send(429, error_body("slow down"), {"Retry-After": date})


def duplicate_keys(exchange: Exchange) -> bytes:
    return exchange.right[:-1] + b', "choices": []}'


def no_text(exchange: Exchange) -> bytes:
    fields = json.loads(exchange.right)
    del fields["choices"][0]["message"]
    return json.dumps(fields).encode()


def no_end(exchange: Exchange) -> bytes:
    return exchange.right.replace(b'"stop"', b"null")


PAGE = b"<!DOCTYPE html><html><body><h1>Bad gateway</h1></body></html>"
PASSING = (
    Fault("connection refused", refuse),
    Fault("connection reset before the answer", reset_at_once),
    Fault("connection closed before the answer", send_nothing),
    Fault("connection reset in the body", reset_in_body),
    Fault("connection closed in the body", close_in_body),
    Fault("chunked body without its end", cut_chunks),
    Fault("no answer", stall_at_once),
    Fault("body that stalls", stall_in_body),
    Fault("address that is not found", lose_address),
    says("400 of one attempt", 400),
    says("403 of one attempt, a page of a firewall", 403, b"<html>Request blocked</html>"),
    says("404 of one attempt", 404),
    says("408", 408),
    says("409", 409),
    says("413 of one attempt", 413),
    says("422 of one attempt", 422),
    says("423", 423),
    says("425", 425),
    says("429", 429),
    says("429, Retry-After in seconds", 429, Retry_After="2"),
    Fault("429, Retry-After as a date", retry_at_date),
    says("429, Retry-After-Ms", 429, retry_after_ms="1500"),
    says("500", 500),
    says("501", 501),
    says("502, the page of a proxy", 502, PAGE),
    says("503, Retry-After", 503, Retry_After="1"),
    says("504", 504),
    *(says(str(status), status) for status in range(520, 525)),
    says("529", 529, error_body("Overloaded", type="overloaded_error")),
    says("307, a redirect", 307, Location="http://127.0.0.1:9/v1/chat/completions"),
    says("200 with an error, overloaded", 200, error_body("The engine is overloaded", code=503)),
    says("200 with an error, no reason", 200, error_body("Internal error")),
    says("200 with the page of a proxy", 200, PAGE, Content_Type="text/html"),
    says("200 with an empty body", 200, b" "),
    says("204", 204, b" "),
    says("JSON without its end", 200, lambda exchange: exchange.right[:-9]),
    says("no choice", 200, b'{"choices": []}'),
    says("choices null", 200, b'{"choices": null}'),
    says("choice without a message", 200, no_text),
    says("finish_reason null", 200, no_end),
    says("body that is no gzip", 200, b"\x1f\x8b no gzip at all", Content_Encoding="gzip"),
    says("body that is no UTF-8", 200, lambda exchange: exchange.right.replace(b"stop", b"st\xf6p")),
    says("two fields of one name", 200, duplicate_keys),
    says("stream of events", 200, lambda exchange: b"data: " + exchange.right + b"\n\ndata: [DONE]\n\n"),
    says("nested a hundred thousand deep", 200, b"[" * 100_000),
    says("body without end", 200, lambda exchange: exchange.right[:-1] + b" " * HUGE + b"}"),
)
"""Faults that pass: the next attempt may succeed."""
PASSING_TLS = (Fault("broken TLS handshake", break_handshake),)
SAME = (
    says("content in parts", 200, lambda exchange: in_parts(exchange.right)),
    says("body in UTF-16", 200, lambda exchange: exchange.right.decode().encode("utf-16")),
    says("choices without numbers", 200, lambda exchange: exchange.right.replace(b'"index": 0, ', b"")),
)
"""Odd answers that say the same as the usual ones."""


LASTING = (
    says("401", 401, error_body("Incorrect API key provided")),
    says("402", 402, error_body("Insufficient Balance")),
    says("403 of the account", 403, error_body("Your account is not active")),
    says("404, the model is gone", 404, error_body("The model `large` does not exist")),
    says("407", 407),
    says("429 insufficient_quota", 429, error_body("You exceeded your current quota", code="insufficient_quota")),
    says("400, a parameter", 400, error_body("Unsupported parameter: 'seed'")),
    says("405", 405),
    says("422, a parameter", 422),
    says("301, moved for good", 301, Location="http://127.0.0.1:9/v2/chat/completions"),
    says("200 with an error, no credits", 200, error_body("Insufficient credits", code=402)),
    says("200 with an error, invalid key", 200, error_body("invalid_api_key")),
)
"""Faults that last until the user acts."""
OUTAGES = (
    Fault("endless refused connections", refuse),
    Fault("endless resets", reset_at_once),
    Fault("endless silence", stall_at_once),
    Fault("endless failed lookups", lose_address),
    says("endless 500", 500),
    says("endless 503", 503),
    says("endless 529", 529, error_body("Overloaded", type="overloaded_error")),
    says("endless page of a proxy", 200, PAGE),
)
"""Faults that last until the endpoint is back."""
POISON: tuple[tuple[Fault, AnswerFate], ...] = (
    *(
        (says(f"{status} of one item", status, error_body("flagged by our content policy")), AnswerFate.REFUSED)
        for status in (400, 403, 413, 422, 451, 500)
    ),
    (says("429 of one item, too large", 429, error_body("Request too large for large (TPM)")), AnswerFate.REFUSED),
    (says("504 of one item", 504), AnswerFate.REFUSED),
    (Fault("reset of one item", reset_at_once), AnswerFate.REFUSED),
    (says("finish_reason content_filter", 200, completion("content_filter", content="")), AnswerFate.REFUSED),
    (says("refusal in its field", 200, completion(content=None, refusal="I cannot help")), AnswerFate.REFUSED),
    (says("page of a proxy for one item", 200, PAGE), AnswerFate.UNREADABLE),
    (says("no choice for one item", 200, b'{"choices": []}'), AnswerFate.UNREADABLE),
    (says("content null", 200, completion(content=None)), AnswerFate.UNREADABLE),
    (says("content absent", 200, completion()), AnswerFate.UNREADABLE),
    (says("tool call", 200, completion("tool_calls", content=None, tool_calls=[{"id": "1"}])), AnswerFate.UNREADABLE),
    (says("only reasoning_content", 200, completion(content=None, reasoning_content="Hm")), AnswerFate.THINKING_ONLY),
    (says("only a thinking tag", 200, completion("length", content="<think>Hm")), AnswerFate.THINKING_ONLY),
    (says("finish_reason length", 200, completion("length", content="The answer is 1")), AnswerFate.CUT_OFF),
    (says("blank content", 200, completion(content=" \n")), AnswerFate.BLANK),
)
"""Faults that always meet one item, with the fate that its answers have."""
POISON_OF_JUDGES = (
    says("400 of one item at the judge", 400, error_body("flagged by our content policy")),
    says("content null at the judge", 200, completion(content=None)),
    says("no verdict", 200, completion(content="I like it.")),
    says("verdict without its end", 200, completion("length", content="Score: 1")),
)
"""Faults that always meet one item at the judge, or at the gate."""


def in_parts(data: bytes) -> bytes:
    fields = json.loads(data)
    message = fields["choices"][0]["message"]
    message["content"] = [{"type": "text", "text": part} for part in re.split(r"(?<= )", message["content"])]
    return json.dumps(fields).encode()
