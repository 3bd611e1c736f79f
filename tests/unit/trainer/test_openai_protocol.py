"""What servers say is read with suspicion: waits, lists of models, counts."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import scripted_chat_server

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
    [{}, *({"completion_tokens": odd} for odd in (None, "many", float("nan"), float("inf"), -1, True, 1e300))],
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
        (FailureClass.REFUSAL, [301, 307, 400, 403, 404, 405, 410, 413, 415, 418, 422, 451, 499]),
        (FailureClass.PASSING, [408, 409, 425, 429, 501, 502, 503, 504, *range(520, 531), 598, 599, 999]),
        (FailureClass.SERVER_ERROR, [500]),
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
