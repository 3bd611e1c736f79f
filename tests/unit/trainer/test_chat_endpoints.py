"""The client of other people's endpoints, against one that refuses, stalls, breaks and lies on demand."""

import dataclasses
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import scripted_chat_server
import scripted_http_server
from scripted_chat_server import ChatServer, chat_choices, chat_completion, error_answer

from swarm_core.api.lifecycle import Budget
from swarm_core.errors import BadInputError
from swarm_core.objectives.scores import UnscoredReason
from swarm_core.ports import Completion, CorruptError, InferenceError, Request, RequestFailure, TokenLogprob, Turn
from swarm_core.recipe import ModelName, Recipe
from swarm_trainer.inference import chat_endpoints, endpoint_budget, http_session, retrying_client, vllm_server
from swarm_trainer.inference.chat_endpoints import ChatEndpoints
from swarm_trainer.inference.endpoint import RemoteModel
from swarm_trainer.inference.endpoint_budget import EndpointBudget
from swarm_trainer.inference.request_router import RoutingInference
from swarm_trainer.meter import Meter
from swarm_trainer.stores.local import LocalStore

KEY = "sk-very-secret"
OWN = ModelName("0" * 64)


class Echo:
    """An engine of our own that says what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[Request]] = []

    def serve(self, live: Sequence[Recipe]) -> None:
        pass

    def complete(self, requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        self.asked.append(list(requests))
        return [Completion(request.prompt, 1, True) for request in requests]

    def close(self) -> None:
        pass


@pytest.fixture
def site() -> Iterator[ChatServer]:
    with scripted_http_server.run_server(ChatServer()) as made:
        yield made


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts that follow each other at once."""
    monkeypatch.setattr(retrying_client, "MAX_BACKOFF_SECONDS", 0.001)


class Desk:
    """Asks a site by a client of its own."""

    def __init__(self, url: str, store: LocalStore, budget: Budget, **terms: Any) -> None:
        self.remote_model = RemoteModel(
            f"{url}/v1", scripted_chat_server.MODEL, **{"key": KEY, "deadline": 20.0, **terms}
        )
        self.meter = Meter()
        self.chat = ChatEndpoints([self.remote_model], store, EndpointBudget(store, budget), self.meter)
        self.own = Echo()
        self.joint = RoutingInference(self.own, self.chat)

    def request(self, prompt: str, temperature: float = 0.0, seed: int = 1, max_tokens: int = 4) -> Request:
        return Request(self.remote_model.name, prompt, max_tokens, temperature, seed, chat=True)

    def ask(self, what: int | Sequence[Request] = 1) -> list[Completion | RequestFailure]:
        return self.joint.complete([self.request(f"{n}+1") for n in range(what)] if isinstance(what, int) else what)


@pytest.fixture
def desk(site: ChatServer, tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    desks: list[Desk] = []

    def open_desk(budget: Budget = Budget(), url: str = "", **terms: Any) -> Desk:  # noqa: B008 - frozen
        desks.append(Desk(url or site.url, LocalStore(tmp_path / "store"), budget, **terms))
        return desks[-1]

    yield open_desk
    for one in desks:
        one.joint.close()


Open = Callable[..., Desk]
SEVEN = Completion("7", 2, finished=True)


def test_a_request_is_one_chat_turn_and_leaves_nothing_to_defaults(site: ChatServer, desk: Open) -> None:
    here = desk()
    sampled = Request(here.remote_model.name, "12+3", 7, 0.5, 2**64 - 1, ("\n", "Q"), chat=True)
    assert here.ask([sampled]) == [Completion("The answer is 15.", 2, finished=True)]
    assert site.bodies == [
        {
            "model": "calculator",
            "messages": [{"role": "user", "content": "12+3"}],
            "max_tokens": 7,
            "temperature": 0.5,
            "seed": 2**31 - 1,
            "stop": ["\n", "Q"],
            "top_p": 1.0,
            "n": 1,
        }
    ]
    assert site.keys == {f"Bearer {KEY}"}


SCORED = [
    {"token": "7", "logprob": -0.5, "top_logprobs": [{"token": "8", "logprob": -2}, {"token": "7", "logprob": -0.5}]}
]


def test_system_text_turns_and_sampling_go_out_as_the_api_has_them(site: ChatServer, desk: Open) -> None:
    site.respond = lambda body, times: chat_choices("7", "8", logprobs=SCORED)
    here = desk()
    asked = dataclasses.replace(
        here.request("3+4", temperature=0.7),
        system="sum",
        turns=(Turn("user", "1+1"), Turn("assistant", "2")),
        top_p=0.9,
        n=2,
        logprobs=2,
    )
    expected = Completion("7", 4, True, ("8",), (TokenLogprob("7", -0.5, (("7", -0.5), ("8", -2.0))),))
    assert here.ask([asked]) == [expected]
    [body] = site.bodies
    assert body["messages"] == [
        {"role": "system", "content": "sum"},
        {"role": "user", "content": "1+1"},
        {"role": "assistant", "content": "2"},
        {"role": "user", "content": "3+4"},
    ]
    assert {name: body[name] for name in ("top_p", "n", "logprobs", "top_logprobs")} == {
        "top_p": 0.9,
        "n": 2,
        "logprobs": True,
        "top_logprobs": 2,
    }
    assert desk().ask([asked]) == [expected], "the kept answer is whole"
    assert len(site.bodies) == 1


def test_one_greedy_text_is_asked_for_and_repeated(site: ChatServer, desk: Open) -> None:
    here = desk()
    one, three = here.ask([here.request("3+4"), dataclasses.replace(here.request("3+4"), n=3)])
    assert isinstance(one, Completion)
    assert three == dataclasses.replace(one, alternatives=(one.text, one.text))
    assert [body["n"] for body in site.bodies] == [1]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"n": 3}, "answered with 1 of the 3 texts asked for"),
        ({"logprobs": 2}, "without the log-probabilities asked for"),
    ],
    ids=str,
)
def test_a_server_that_leaves_out_what_was_asked_for_fails_the_request(
    site: ChatServer, desk: Open, more: dict[str, int], message: str
) -> None:
    here = desk()
    [failed] = here.ask([dataclasses.replace(here.request("3+4", temperature=0.7), **more)])
    assert isinstance(failed, RequestFailure)
    assert message in failed.message
    assert site.url in failed.message


def test_fields_that_contradict_each_other_are_never_sent(site: ChatServer, desk: Open) -> None:
    here = desk()
    [failed] = here.ask([dataclasses.replace(here.request("3+4"), top_p=0.0)])
    assert isinstance(failed, RequestFailure)
    assert "top_p 0.0" in failed.message
    assert site.bodies == []


def test_the_key_goes_in_the_header_and_nowhere_else(site: ChatServer, desk: Open, tmp_path: Path) -> None:
    site.respond = lambda body, times: chat_completion(f"your key is {KEY}")
    here = desk()
    [answer] = here.ask()
    assert answer == Completion("your key is ***", 2, finished=True)
    assert KEY not in repr(here.remote_model)
    assert KEY not in json.dumps(site.bodies)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_a_key_that_is_a_mere_word_leaves_answers_as_they_are(site: ChatServer, desk: Open) -> None:
    site.respond = lambda body, times: chat_completion("an EMPTY set")
    assert desk(key="EMPTY").ask() == [Completion("an EMPTY set", 2, finished=True)]


def test_own_models_and_others_are_asked_at_the_same_time_and_answered_in_order(site: ChatServer, desk: Open) -> None:
    here, begun = desk(), threading.Event()

    def respond(body: dict[str, Any], _: int) -> scripted_http_server.Answer:
        begun.set()
        return chat_completion("away")

    site.respond = respond

    def complete(requests: Sequence[Request]) -> list[Completion | RequestFailure]:
        assert begun.wait(5), "the others are not under way while our own engine works"
        return [Completion(request.prompt, 1, True) for request in requests]

    here.own.complete = complete  # type: ignore[method-assign]
    own = [Request(OWN, f"own {n}", 4, 0.0, n) for n in range(2)]
    results = here.ask([own[0], here.request("1+1"), own[1]])
    assert [result.text for result in results if isinstance(result, Completion)] == ["own 0", "away", "own 1"]


def test_answers_are_kept_and_neither_a_rerun_nor_another_seed_asks_for_a_greedy_one_again(
    site: ChatServer, desk: Open
) -> None:
    first = desk().ask(5)
    here = desk()
    again = here.ask([here.request(f"{n}+1", seed=n + 50) for n in range(5)])
    assert again == first
    assert len(site.bodies) == 5
    taken = here.meter.take()
    assert (taken.requests, taken.cached) == (0, 5)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"temperature": 0.7, "seed": 2}, id="seed"),
        pytest.param({"temperature": 0.9}, id="temperature"),
        pytest.param({"max_tokens": 5}, id="length"),
        pytest.param({"prompt": "1+2"}, id="prompt"),
        pytest.param({"system": "sum"}, id="system"),
        pytest.param({"turns": (Turn("user", "1"), Turn("assistant", "2"))}, id="turns"),
        pytest.param({"top_p": 0.9}, id="nucleus"),
        pytest.param({"n": 2}, id="texts"),
        pytest.param({"logprobs": 1}, id="log-probabilities"),
    ],
)
def test_another_prompt_or_sampling_is_another_question(site: ChatServer, desk: Open, other: dict[str, Any]) -> None:
    here = desk()
    here.ask([here.request(prompt="1+1", temperature=0.7, seed=1, max_tokens=4)])
    here.ask([dataclasses.replace(here.request("1+1", temperature=0.7, seed=1, max_tokens=4), **other)])
    assert len(site.bodies) == 2


def test_two_who_ask_the_same_at_one_time_share_a_request(site: ChatServer, desk: Open) -> None:
    here = desk()
    site.respond = lambda body, times: time.sleep(0.1) or chat_completion("7")
    assert here.ask([here.request("3+4", seed=n) for n in range(6)]) == [SEVEN] * 6
    assert len(site.bodies) == 1


def test_a_kept_answer_that_was_changed_is_found(site: ChatServer, desk: Open, tmp_path: Path) -> None:
    desk().ask()
    [kept] = (tmp_path / "store" / "names" / "answers").glob("*/*.json")
    kept.write_text("{}")
    with pytest.raises(CorruptError, match=r"answers/.*: this is not a stored answer"):
        desk().ask()


def is_control(body: dict[str, Any]) -> bool:
    return scripted_chat_server.prompt(body) == chat_endpoints.PROBE_REQUEST.prompt


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


def test_no_more_requests_are_under_way_than_allowed_and_connections_are_kept(site: ChatServer, desk: Open) -> None:
    site.respond = lambda body, times: time.sleep(0.01) or chat_completion("7")
    desk(concurrency=4).ask(40)
    assert site.busiest <= 4
    assert site.connections <= 5


def test_requests_go_out_evenly_within_the_limit_of_a_minute(site: ChatServer, desk: Open) -> None:
    began = time.monotonic()
    desk(requests_per_minute=1200).ask(10)
    assert time.monotonic() - began > 9 * 60 / 1200


def test_tokens_are_charged_as_expected_and_corrected_by_what_came(site: ChatServer, desk: Open) -> None:
    """With 25 tokens expected of each, six would take 0.6 s at 15,000 a minute; they take 7 each."""
    here = desk(tokens_per_minute=15_000, concurrency=1)
    began = time.monotonic()
    here.ask([here.request(f"{n}+1", max_tokens=11) for n in range(6)])
    took = time.monotonic() - began
    assert took > 5 * 7 * 60 / 15_000 * 0.9


def test_a_budget_of_calls_is_kept_to_over_restarts_and_the_run_goes_on_when_it_is_raised(
    site: ChatServer, desk: Open
) -> None:
    limited = desk(Budget(calls=30))
    limited.ask(20)
    limited.chat.flush_budget()
    again = desk(Budget(calls=30))
    with pytest.raises(BadInputError, match=r"spec\.budget\.calls: 30 are used up; .* raise the budget"):
        again.ask(60)
    assert len(site.bodies) == 30
    more = desk(Budget(calls=60))
    assert len(more.ask(60)) == 60
    assert len(site.bodies) == 60


def test_a_process_that_is_killed_has_never_made_more_calls_than_it_counted(site: ChatServer, desk: Open) -> None:
    desk(Budget(calls=30)).ask(20)  # and gone, without a word
    with pytest.raises(BadInputError):
        desk(Budget(calls=30)).ask(60)
    assert 30 - endpoint_budget.CALLS_PER_CLAIM < len(site.bodies) <= 30


def test_a_budget_of_tokens_ends_it_and_what_was_answered_is_kept(site: ChatServer, desk: Open) -> None:
    limited = desk(Budget(tokens=70), concurrency=2)
    with pytest.raises(BadInputError, match=r"spec\.budget\.tokens: 70 are used up"):
        limited.ask(40)
    limited.chat.flush_budget()
    assert 10 <= len(site.bodies) <= 12, "seven tokens each, two under way"
    asked = len(site.bodies)
    with pytest.raises(BadInputError):
        desk(Budget(tokens=70)).ask(asked + 1)
    assert len(site.bodies) == asked


def test_several_processes_spend_from_one_budget(site: ChatServer, desk: Open) -> None:
    desks = [desk(Budget(calls=48)) for _ in range(4)]
    errors: list[BadInputError] = []

    def spend(here: Desk, first: int) -> None:
        try:
            here.ask([here.request(f"{first + n}+0") for n in range(20)])
        except BadInputError as error:
            errors.append(error)

    threads = [threading.Thread(target=spend, args=(here, 100 * n)) for n, here in enumerate(desks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors
    assert len(site.bodies) <= 48


def test_a_probe_gives_up_early_and_says_what_there_is(site: ChatServer, desk: Open) -> None:
    assert desk().chat.probe(desk().remote_model.name) == Completion("The answer is None.", 2, finished=True)
    gone = desk(url=f"http://127.0.0.1:{vllm_server.find_free_port()}")
    began = time.monotonic()
    found = gone.chat.probe(gone.remote_model.name)
    assert not isinstance(found, Completion)
    assert "no answer: ClientConnectorError" in found.message
    assert gone.chat.list_models(gone.remote_model.name) == ()
    assert time.monotonic() - began < 5
    assert desk().chat.list_models(desk().remote_model.name) == (scripted_chat_server.MODEL,)


SCHEMA = '{"type": "object"}'


def structured(desk: Desk, number: int) -> Request:
    return dataclasses.replace(desk.request(f"{number}+1"), reply_schema=SCHEMA)


def test_a_schema_is_sent_as_the_format_of_the_reply(site: ChatServer, desk: Callable[..., Desk]) -> None:
    one = desk()
    (found,) = one.ask([structured(one, 1)])
    assert isinstance(found, Completion)
    wanted = {"type": "json_schema", "json_schema": {"name": "reply", "schema": {"type": "object"}, "strict": True}}
    assert site.bodies[-1]["response_format"] == wanted
    assert one.ask([structured(one, 1)]) == [found]
    assert len(site.bodies) == 1


def test_a_server_that_refuses_schemas_is_asked_without(site: ChatServer, desk: Callable[..., Desk]) -> None:
    def refuse(body: dict[str, Any], times: int) -> scripted_http_server.Answer:
        if "response_format" in body:
            return error_answer(400, "response_format is not supported")
        return chat_completion("Score: 8")

    site.respond = refuse
    one = desk()
    for number in range(3):
        (found,) = one.ask([structured(one, number)])
        assert isinstance(found, Completion)
        assert found.text == "Score: 8"
    assert "response_format" not in site.bodies[-1]
    assert not [
        body for body in site.bodies if "response_format" in body and "0+1" not in str(body) and not is_control(body)
    ]


def test_a_refusal_that_passes_changes_the_form_of_no_request(site: ChatServer, desk: Callable[..., Desk]) -> None:
    def refuse(body: dict[str, Any], times: int) -> scripted_http_server.Answer:
        once = "response_format" in body and "1+1" in str(body) and times <= chat_endpoints.COMPARISONS
        return error_answer(400, "no") if once else chat_completion(f"Score: {'response_format' in body}")

    site.respond = refuse
    one = desk()
    found = one.ask([structured(one, number) for number in (1, 2)])
    assert [one.text for one in found if isinstance(one, Completion)] == ["Score: True"] * 2


def test_an_item_that_is_refused_with_and_without_schema_does_not_give_schemas_up(
    site: ChatServer, desk: Callable[..., Desk]
) -> None:
    def moderate(body: dict[str, Any], times: int) -> scripted_http_server.Answer:
        return error_answer(400, "flagged") if "666" in str(body) else chat_completion("Score: 8")

    site.respond = moderate
    one = desk()
    assert [type(found) for found in one.ask([structured(one, 666)])] == [RequestFailure]
    assert [type(found) for found in one.ask([structured(one, 1)])] == [Completion]
    assert "response_format" in site.bodies[-1]
