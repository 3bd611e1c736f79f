"""A chat completion server that follows a script: it answers sums, scores answers, refuses, stalls, breaks or lies.

By default it is a model that can add, subtract and multiply, and a judge that recognizes correct answers.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

import scripted_http_server
from scripted_http_server import Answer, Respond

SUM = re.compile(r"(-?\d+)\s*([-+*])\s*(\d+)")
MODEL = "calculator"


def chat_completion(text: str | None, reason: str = "stop", tokens: int = 2, prompt_tokens: int = 5) -> Answer:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": tokens, "total_tokens": tokens + prompt_tokens}
    return 200, json.dumps({"choices": [choice], "usage": usage}).encode(), {}


def chat_choices(*texts: str, logprobs: Any = None) -> Answer:
    """A completion with several texts, each with the same log-probabilities."""
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "stop",
            **({} if logprobs is None else {"logprobs": {"content": logprobs}}),
        }
        for index, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": 5, "completion_tokens": 2 * len(texts), "total_tokens": 2 * len(texts) + 5}
    return 200, json.dumps({"choices": choices, "usage": usage}).encode(), {}


def error_answer(status: int, message: str = "as asked", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, json.dumps({"error": {"message": message}}).encode(), named


def prompt(body: dict[str, Any]) -> str:
    return str(body["messages"][-1]["content"])


def evaluate_sum(text: str) -> int | None:
    """The value of the first sum in `text`."""
    found = SUM.search(text)
    if found is None:
        return None
    left, right = int(found[1]), int(found[3])
    return {"+": left + right, "-": left - right, "*": left * right}[found[2]]


def answer_arithmetic(body: dict[str, Any], _: int) -> Answer:
    """Answer sums, score an answer, or say whether a query is valid, depending on the request."""
    text = prompt(body)
    query = re.search(r"<query-[0-9a-f]+>\n(.*?)\n</query-[0-9a-f]+>", text, re.DOTALL)
    if query is None:
        return chat_completion(f"The answer is {evaluate_sum(text)}.")
    if "Valid:" in text:
        return chat_completion(f"Valid: {'no' if evaluate_sum(query[1]) is None else 'yes'}")
    response = re.search(r"<response-[0-9a-f]+>\n(.*?)\n</response-[0-9a-f]+>", text, re.DOTALL)
    assert response is not None
    right = str(evaluate_sum(query[1])) in re.findall(r"-?\d+", response[1])
    return chat_completion(f"I computed it.\n\n**Score: {10 if right else 1}/10**")


@dataclass
class ChatServer(scripted_http_server.ScriptedServer):
    """The server: its models, its key, and the requests that it got."""

    respond: Respond = answer_arithmetic
    key: str | None = None
    """The key that a request needs. None accepts every request."""
    models: tuple[str, ...] = (MODEL,)

    def get(self, path: str) -> Answer:
        listed = json.dumps({"object": "list", "data": [{"id": name} for name in self.models]}).encode()
        return (200, listed, {}) if path == "/v1/models" else error_answer(404)

    def post(self, path: str, body: dict[str, Any], authorization: str | None) -> Answer | None:
        if path != "/v1/chat/completions":
            return error_answer(404, f"no route {path}")
        return super().post(path, body, authorization)

    def answer(self, body: dict[str, Any], times: int, authorization: str | None) -> Answer | None:
        if self.key is not None and authorization != f"Bearer {self.key}":
            return error_answer(401, f"Incorrect API key provided: {authorization}")
        if body["model"] not in self.models:
            return error_answer(404, f"The model {body['model']!r} does not exist")
        return super().answer(body, times, authorization)
