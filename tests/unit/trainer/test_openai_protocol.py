"""What servers say is read with suspicion: waits, lists of models, counts."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import scripted_chat_server

from swarm_core.objectives.scores import UnscoredReason
from swarm_core.ports import Completion
from swarm_trainer.inference import provider_failures, reply_parser
from swarm_trainer.inference.endpoint import RemoteModel
from swarm_trainer.inference.http_session import HttpResponse
from swarm_trainer.inference.openai_protocol import CHAT
from swarm_trainer.inference.provider_failures import FailureClass, Unavailable
from swarm_trainer.inference.reply_parser import Reply

HERE = RemoteModel("https://host/v1", "large")


def usage(**counts: Any) -> bytes:
    """A good answer with other counts."""
    return json.dumps({**json.loads(scripted_chat_server.chat_completion("7")[1]), "usage": counts}).encode()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, 0.0), ("", 0.0), ("3", 3.0), ("0.5", 0.5), ("-4", 0.0), ("soon", 0.0), ("120", 120.0)],
)
def test_a_wait_in_seconds_is_taken_as_asked(value: str | None, seconds: float) -> None:
    assert provider_failures.parse_retry_after(value) == seconds


@pytest.mark.parametrize(("ahead", "seconds"), [(90, 90), (-90, 0)])
def test_a_wait_until_a_date_is_the_time_until_then(ahead: int, seconds: int) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    assert provider_failures.parse_retry_after(date) == pytest.approx(seconds, abs=2)


@pytest.mark.parametrize("value", ["inf", "nan", "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_a_wait_that_is_none_is_not_waited(value: str) -> None:
    assert provider_failures.parse_retry_after(value) == 0.0


@pytest.mark.parametrize(
    ("data", "models"),
    [
        (b'{"data": [{"id": "a"}, {"id": "b\\nc"}]}', ("a", "b c")),
        (b'{"data": [{}]}', ()),
        (b'{"data": 3}', ()),
        (b"[]", ()),
        (b"<html>", ()),
    ],
)
def test_a_list_of_models_is_read_or_passed_over(data: bytes, models: tuple[str, ...]) -> None:
    assert reply_parser.parse_models(data) == models


@pytest.mark.parametrize(
    ("data", "prompt"), [(usage(completion_tokens=2, prompt_tokens=9), 9), (usage(completion_tokens=2), 0)]
)
def test_tokens_are_counted_as_the_server_counts_them(data: bytes, prompt: int) -> None:
    assert reply_parser.parse_response(HERE, CHAT, HttpResponse(200, data)) == Reply(
        Completion("7", 2, finished=True), prompt
    )


@pytest.mark.parametrize(
    "counts",
    [{}, *({"completion_tokens": odd} for odd in (None, "many", float("nan"), float("inf"), -1, True, 1e300, 0))],
    ids=str,
)
def test_an_answer_whose_count_is_no_number_is_charged_with_an_estimate(counts: dict[str, Any]) -> None:
    found = reply_parser.parse_response(HERE, CHAT, HttpResponse(200, usage(**counts)))
    assert found == Reply(Completion("7", 1, finished=True), 0)


QUOTA = b'{"error": {"code": "insufficient_quota", "message": "You exceeded your quota"}}'


@pytest.mark.parametrize(
    ("cause", "statuses"),
    [
        (FailureClass.ACCOUNT, [401, 402, 407]),
        (FailureClass.REFUSAL, [301, 307, 400, 403, 404, 405, 410, 413, 415, 422, 431, 451]),
        (FailureClass.PASSING, [408, 409, 425, 429, 501, 502, 503, 504, *range(520, 531), 598, 599, 999]),
        (FailureClass.SERVER_ERROR, [418, 421, 424, 440, 460, 499, 500]),
        (FailureClass.MALFORMED, [201, 202, 204, 206]),
    ],
    ids=lambda value: value if isinstance(value, FailureClass) else "",
)
def test_what_an_error_means_depends_on_the_class_of_its_status(cause: FailureClass, statuses: list[int]) -> None:
    found = [reply_parser.parse_response(HERE, CHAT, HttpResponse(status, b"no", "7")) for status in statuses]
    assert [(one.cause, one.retry_after) for one in found if isinstance(one, Unavailable)] == [(cause, 7.0)] * len(
        found
    )


def test_a_rate_limit_passes_and_an_account_without_money_does_not() -> None:
    found = [reply_parser.parse_response(HERE, CHAT, HttpResponse(429, body)) for body in (b"slow down", QUOTA)]
    assert [one.cause for one in found if isinstance(one, Unavailable)] == [FailureClass.PASSING, FailureClass.ACCOUNT]


def chat(content: Any, finish_reason: Any = "stop", **fields: Any) -> Any:
    """What an answer with this turn means."""
    choice = {"index": 0, "message": {"content": content, **fields}, "finish_reason": finish_reason}
    return reply_parser.parse_response(HERE, CHAT, HttpResponse(200, json.dumps({"choices": [choice]}).encode()))


@pytest.mark.parametrize(
    "part",
    [
        {"type": "thinking", "thinking": "12?"},
        {"type": "thinking", "thinking": [{"type": "text", "text": "12?"}]},
        {"type": "reasoning", "text": "12?"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "12?"}]},
        {"type": "text", "text": "12?", "thought": True},
    ],
    ids=str,
)
def test_a_part_that_is_thinking_is_no_answer(part: dict[str, Any]) -> None:
    found = chat([part, {"type": "text", "text": "46"}]).completion
    assert (found.text, found.thinking) == ("46", "12?")


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning", "thinking", "thoughts", "reasoning_details"])
@pytest.mark.parametrize("value", ["12?", [{"type": "reasoning.text", "text": "12?"}]], ids=["text", "parts"])
def test_thinking_in_a_field_of_its_own_is_kept_apart(name: str, value: Any) -> None:
    assert chat("46", **{name: value}).completion.thinking == "12?"
    alone = chat(None, **{name: value}).completion
    assert (alone.text, alone.thinking) == ("", "12?")


@pytest.mark.parametrize(
    "content", [None, [], [None], [{"type": "image_url"}], [{"type": "text", "text": None}]], ids=str
)
def test_an_answer_without_any_text_is_not_blank_but_unreadable(content: Any) -> None:
    assert chat(content).reason is UnscoredReason.UNREADABLE


@pytest.mark.parametrize(
    ("finish_reason", "meaning"),
    [
        ("FINISH_REASON_STOP", True),
        ("model_context_window_exceeded", False),
        ("guardrail_intervened", UnscoredReason.REFUSED),
        ("content_filtered", UnscoredReason.REFUSED),
        ("tool_calls", UnscoredReason.UNREADABLE),
        ("insufficient_system_resource", FailureClass.PASSING),
        ("engine_overloaded", FailureClass.PASSING),
        *((odd, FailureClass.MALFORMED) for odd in (None, "", "abort", "error", 1)),
    ],
)
def test_a_text_is_an_answer_only_if_its_end_is_known(finish_reason: Any, meaning: object) -> None:
    found = chat("46", finish_reason)
    if isinstance(found, Reply):
        assert found.completion.finished is meaning
    else:
        assert (found.cause if isinstance(found, Unavailable) else found.reason) is meaning


def test_a_wait_in_milliseconds_that_is_none_leaves_the_other() -> None:
    assert [provider_failures.parse_retry_after("7", odd) for odd in ("x", "inf", "1500")] == [7.0, 7.0, 1.5]
