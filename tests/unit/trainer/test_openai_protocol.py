"""What servers say is read with suspicion: waits, lists of models, counts."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import scripted_chat_server

from swarm_core.ports import Completion, RequestFailure
from swarm_trainer.inference import openai_protocol
from swarm_trainer.inference.endpoint import RemoteModel
from swarm_trainer.inference.http_session import HttpResponse
from swarm_trainer.inference.openai_protocol import CHAT, Reply, Unavailable

HERE = RemoteModel("https://host/v1", "large")


def usage(**counts: Any) -> bytes:
    """A good answer with other counts."""
    return json.dumps({**json.loads(scripted_chat_server.chat_completion("7")[1]), "usage": counts}).encode()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(None, 0.0), ("", 0.0), ("3", 3.0), ("0.5", 0.5), ("-4", 0.0), ("soon", 0.0), ("120", 120.0)],
)
def test_a_wait_in_seconds_is_taken_as_asked(value: str | None, seconds: float) -> None:
    assert openai_protocol.parse_retry_after(value) == seconds


@pytest.mark.parametrize(("ahead", "seconds"), [(90, 90), (-90, 0)])
def test_a_wait_until_a_date_is_the_time_until_then(ahead: int, seconds: int) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    assert openai_protocol.parse_retry_after(date) == pytest.approx(seconds, abs=2)


@pytest.mark.parametrize("value", ["inf", "nan", "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_a_wait_that_is_none_is_not_waited(value: str) -> None:
    assert openai_protocol.parse_retry_after(value) == 0.0


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
    assert openai_protocol.parse_models(data) == models


@pytest.mark.parametrize(
    ("data", "prompt"), [(usage(completion_tokens=2, prompt_tokens=9), 9), (usage(completion_tokens=2), 0)]
)
def test_tokens_are_counted_as_the_server_counts_them(data: bytes, prompt: int) -> None:
    assert openai_protocol.parse_response(HERE, CHAT, HttpResponse(200, data)) == Reply(
        Completion("7", 2, finished=True), prompt
    )


@pytest.mark.parametrize("counts", [{}, {"completion_tokens": None}, {"completion_tokens": "many"}], ids=str)
def test_an_answer_without_a_count_is_no_completion(counts: dict[str, Any]) -> None:
    found = openai_protocol.parse_response(HERE, CHAT, HttpResponse(200, usage(**counts)))
    assert isinstance(found, Unavailable)
    assert found.fatal


@pytest.mark.parametrize(
    ("status", "kind", "again"),
    [
        (400, RequestFailure, False),
        (404, Unavailable, False),
        (429, Unavailable, True),
        (500, Unavailable, True),
        (503, Unavailable, True),
    ],
)
def test_what_an_error_means_depends_on_its_status(status: int, kind: type, again: bool) -> None:
    found = openai_protocol.parse_response(HERE, CHAT, HttpResponse(status, b"no"))
    assert isinstance(found, kind)
    assert (isinstance(found, Unavailable) and found.retry_after is not None) is again
