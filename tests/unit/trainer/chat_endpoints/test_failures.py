"""An endpoint that refuses, stalls, breaks and lies, and whom its failures cost what."""

import json
import socket
import threading
import time
from contextlib import suppress
from typing import Any

import pytest
import scripted_chat_server
import scripted_http_server
from chat_desk import KEY, SEVEN, Open, is_control
from scripted_chat_server import ChatServer, chat_completion, error_answer

from swarm_core.errors import BadInputError
from swarm_core.objectives.scores import UnscoredReason
from swarm_core.ports import Completion, InferenceError, RequestFailure
from swarm_trainer.inference import http_session


def test_a_failure_is_not_kept(site: ChatServer, desk: Open) -> None:
    site.respond = lambda body, times: (
        chat_completion("7") if times > 3 or is_control(body) else error_answer(400, "no")
    )
    [failed] = desk().ask()
    assert isinstance(failed, RequestFailure)
    assert failed.reason is UnscoredReason.REFUSED
    assert "400: no" in failed.message
    assert desk().ask() == [SEVEN]


@pytest.mark.parametrize("status", [400, 403, 404, 413, 422, 451])
def test_what_the_server_refuses_of_one_item_costs_that_item_alone(site: ChatServer, desk: Open, status: int) -> None:
    def respond(body: dict[str, Any], _: int) -> scripted_http_server.Answer:
        return error_answer(status, "flagged") if "1+1" in scripted_chat_server.prompt(body) else chat_completion("7")

    site.respond = respond
    first, second, third = desk().ask(3)
    assert first == third == SEVEN
    assert isinstance(second, RequestFailure)
    assert (second.reason, "flagged" in second.message) == (UnscoredReason.REFUSED, True)


def test_a_server_that_refuses_most_items_is_an_outage_of_its_own(site: ChatServer, desk: Open) -> None:
    site.respond = lambda body, times: chat_completion("ok") if is_control(body) else error_answer(403, "flagged")
    with pytest.raises(BadInputError, match=r"9 of 9 requests were refused by the endpoint's moderation, .* than 50%"):
        desk().ask(9)


def test_the_field_of_the_maximum_length_is_learned_from_the_refusal_and_remembered(
    site: ChatServer, desk: Open
) -> None:
    def respond(body: dict[str, Any], _: int) -> scripted_http_server.Answer:
        words = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
        return error_answer(400, words) if "max_tokens" in body else chat_completion("7")

    site.respond = respond
    here = desk(concurrency=1)
    assert here.ask(5) == [SEVEN] * 5
    assert ["max_tokens" in body for body in site.bodies] == [True] + [False] * 5
    assert desk().ask(5) == [SEVEN] * 5
    assert len(site.bodies) == 6, "the answers are kept under one name, whatever the field is called"


def test_an_endpoint_gets_the_parameters_that_it_wants(site: ChatServer, desk: Open) -> None:
    extra = {"reasoning_effort": "low"}
    here = desk(max_tokens_field="max_completion_tokens", omit=("seed", "temperature", "top_p"), extra_body=extra)
    here.ask()
    [body] = site.bodies
    assert set(body) == {"model", "messages", "max_completion_tokens", "n", "reasoning_effort"}


@pytest.mark.parametrize("status", [429, 503, 502, None], ids=["too many", "busy", "gateway", "cut"])
def test_what_passes_is_asked_again_and_counted(site: ChatServer, desk: Open, status: int | None) -> None:
    site.respond = lambda body, times: chat_completion("7") if times > 2 else error_answer(status) if status else None
    here = desk()
    assert here.ask(5) == [SEVEN] * 5
    taken = here.meter.take()
    assert (taken.requests, taken.retries, taken.failed, taken.tokens, taken.prompt_tokens) == (5, 10, 0, 10, 25)
    assert 0 < (taken.latency_quantile(0.5) or 0) < 5
    assert taken.seconds > 0


def test_a_server_that_asks_for_patience_gets_it_from_everybody(site: ChatServer, desk: Open) -> None:
    moments: list[float] = []

    def respond(body: dict[str, Any], times: int) -> scripted_http_server.Answer:
        moments.append(time.monotonic())
        return error_answer(429, retry_after="0.8") if len(moments) == 1 else chat_completion("7")

    site.respond = respond
    assert desk(concurrency=1).ask(3) == [SEVEN] * 3
    assert moments[1] - moments[0] > 0.8


def test_a_pause_beyond_the_deadline_is_not_waited_for(site: ChatServer, desk: Open) -> None:
    site.respond = lambda body, times: error_answer(429, "slow down", retry_after="3600")
    began = time.monotonic()
    with pytest.raises(InferenceError, match=r"429: slow down \(tried 1 times, asked to wait 3600 s\)"):
        desk().ask()
    assert time.monotonic() - began < 5


def test_an_account_without_money_is_not_waited_for(site: ChatServer, desk: Open) -> None:
    error = {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}
    site.respond = lambda body, times: (429, json.dumps(error).encode(), {})
    with pytest.raises(BadInputError, match="You exceeded your quota"):
        desk().ask()
    assert len(site.bodies) == 1


def test_a_deadline_covers_all_attempts(site: ChatServer, desk: Open) -> None:
    site.respond = lambda body, times: error_answer(503, "still loading")
    began = time.monotonic()
    with pytest.raises(InferenceError, match=r"answered 503: still loading \(tried \d times\)"):
        desk(deadline=1.5).ask()
    assert time.monotonic() - began < 8


def test_an_answer_that_trickles_in_is_cut_off_after_the_deadline(desk: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def trickle() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
                while True:
                    connection.sendall(b" ")
                    time.sleep(0.05)

        threading.Thread(target=trickle, daemon=True).start()
        began = time.monotonic()
        with pytest.raises(InferenceError, match="no answer: TimeoutError"):
            desk(url=f"http://127.0.0.1:{listener.getsockname()[1]}", deadline=0.5).ask()
        assert time.monotonic() - began < 5


@pytest.mark.usefixtures("short_pauses")
def test_an_endpoint_that_stalls_costs_one_attempt(site: ChatServer, desk: Open) -> None:
    stalled = threading.Event()

    def respond(body: dict[str, Any], times: int) -> scripted_http_server.Answer:
        if times == 1:
            stalled.wait(10)
        return chat_completion("7")

    site.respond = respond
    assert desk(timeout=0.3).ask() == [SEVEN]
    stalled.set()
    assert len(site.bodies) == 2


@pytest.mark.usefixtures("short_pauses")
def test_an_answer_without_end_is_no_completion(site: ChatServer, desk: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_session, "MAX_RESPONSE_BYTES", 1000)
    site.respond = lambda body, times: chat_completion("7" * 5000)
    with pytest.raises(InferenceError, match="not a completion"):
        desk().ask()


@pytest.mark.usefixtures("short_pauses")
def test_what_one_request_breaks_on_fails_alone(site: ChatServer, desk: Open) -> None:
    site.respond = lambda body, times: (
        error_answer(500, "poison") if "1+1" in scripted_chat_server.prompt(body) else chat_completion("7")
    )
    first, second, third = desk().ask(3)
    assert first == third == SEVEN
    assert isinstance(second, RequestFailure)
    assert "poison" in second.message


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize(("status", "most"), [(401, 1), (402, 1), (403, 6), (404, 6), (407, 1)])
def test_a_wrong_key_and_a_missing_model_end_it_at_once(site: ChatServer, desk: Open, status: int, most: int) -> None:
    site.respond = lambda body, times: error_answer(status, f"not with {KEY}")
    with pytest.raises(BadInputError, match=f"{site.url}/v1 answered {status}: not with") as raised:
        desk(concurrency=1).ask(5)
    assert KEY not in str(raised.value)
    assert len(site.bodies) <= most, "nobody else is sent into a closed account"


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize("status", [403, 404])
def test_a_gateway_that_refuses_everything_for_a_moment_changes_no_answer(
    site: ChatServer, desk: Open, status: int
) -> None:
    site.respond = lambda body, times: error_answer(status) if len(site.bodies) <= 4 else chat_completion("7")
    assert desk(concurrency=1).ask(3) == [SEVEN] * 3


@pytest.mark.parametrize("fault", [None, 504], ids=["broken connection", "gateway"])
@pytest.mark.usefixtures("short_pauses")
def test_an_item_that_gets_no_answer_while_others_do_costs_itself(
    site: ChatServer, desk: Open, fault: int | None
) -> None:
    def respond(body: dict[str, Any], _: int) -> scripted_http_server.Answer | None:
        if "1+1" in scripted_chat_server.prompt(body):
            return fault and error_answer(fault)
        return chat_completion("7")

    site.respond = respond
    first, second, third = desk(deadline=0.5).ask(3)
    assert first == third == SEVEN
    assert isinstance(second, RequestFailure)
    assert second.reason is UnscoredReason.REFUSED
    assert "raise timeoutSeconds" in second.message


def test_an_item_that_is_too_large_for_the_rate_limit_costs_itself(site: ChatServer, desk: Open) -> None:
    def respond(body: dict[str, Any], _: int) -> scripted_http_server.Answer:
        words = "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 40000."
        return error_answer(429, words) if "1+1" in scripted_chat_server.prompt(body) else chat_completion("7")

    site.respond = respond
    first, second, third = desk().ask(3)
    assert first == third == SEVEN
    assert isinstance(second, RequestFailure)


NO_COMPLETION = [b"<html>\n\nproxy</html>", b"", b"[]", b'{"choices": []}', b'{"choices": [{"message": {}}]}', b"7"]


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize("data", NO_COMPLETION)
def test_an_answer_that_is_no_completion_is_said_on_one_line(site: ChatServer, desk: Open, data: bytes) -> None:
    site.respond = lambda body, times: (200, data, {})
    with pytest.raises(InferenceError, match="not a completion") as raised:
        desk().ask()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("content", "text"), [(None, ""), ("", ""), (" 7\n", " 7\n")])
def test_a_turn_is_taken_as_it_was_written(site: ChatServer, desk: Open, content: Any, text: str) -> None:
    site.respond = lambda body, times: chat_completion(content, reason="length")
    assert desk().ask() == [Completion(text, 2, finished=False)]


def test_a_turn_that_was_filtered_is_a_failure(site: ChatServer, desk: Open) -> None:
    site.respond = lambda body, times: chat_completion("", reason="content_filter")
    [failed] = desk().ask()
    assert isinstance(failed, RequestFailure)
