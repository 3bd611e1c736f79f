"""The client of completion servers, against one that refuses, stalls, breaks and lies on demand."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import scripted_http_server
from scripted_chat_server import error_answer
from scripted_http_server import Answer
from transformers import AutoTokenizer

from swarm_core.ports import Completion, InferenceError, Request, RequestFailure, TokenLogprob
from swarm_core.recipe import Digest, Recipe, build_mixture, build_single
from swarm_trainer.inference import adapter_store, vllm_server
from swarm_trainer.inference.endpoint import Endpoint, FixedEndpoint
from swarm_trainer.inference.openai import OpenAIInference
from swarm_trainer.inference.retrying_client import ClientSettings
from swarm_trainer.stores.local import LocalStore

BASE, ADAPTER = Digest("b" * 64), Digest("1" * 64)
BARE, TUNED = build_single(BASE), build_single(BASE, ADAPTER)
KEY = "sk-very-secret"


def good(text: str = "7", reason: str = "stop") -> Answer:
    choice = {"index": 0, "text": text, "finish_reason": reason}
    return 200, json.dumps({"choices": [choice], "usage": {"completion_tokens": 2}}).encode(), {}


@dataclass
class Site(scripted_http_server.ScriptedServer):
    """A server that answers as `respond` says, and what it saw."""

    unloaded: list[str] = field(default_factory=list)

    def post(self, path: str, body: dict[str, Any], authorization: str | None) -> Answer | None:
        if path == "/v1/unload_lora_adapter":
            self.unloaded.append(body["lora_name"])
            return 404, b"{}", {}
        return super().post(path, body, authorization)


@pytest.fixture
def site() -> Iterator[Site]:
    with scripted_http_server.run_server(Site(lambda body, times: good())) as made:
        yield made


@pytest.fixture
def ask(site: Site, tiny_base: Path, tmp_path: Path) -> Iterator[Callable[..., list[Completion | RequestFailure]]]:
    """Asks the site `count` different things of the bare base, or the requests given."""
    clients: list[OpenAIInference] = []

    def asking(requests: int | list[Request] = 1, **settings: Any) -> list[Completion | RequestFailure]:
        wanted = ClientSettings(**{"max_model_len": 64, "deadline": 20.0, **settings})
        host = FixedEndpoint(Endpoint(site.url, tiny_base, KEY))
        clients.append(OpenAIInference({BASE: host}, LocalStore(tmp_path / "store"), wanted))
        clients[-1].serve([BARE, TUNED])
        return clients[-1].complete(some(requests) if isinstance(requests, int) else requests)

    yield asking
    for client in clients:
        client.close()


def some(count: int, recipe: Recipe = BARE) -> list[Request]:
    return [Request(recipe.name, f"{n}+1=", 4, 0.0, n, ("\n",)) for n in range(count)]


Ask = Callable[..., list[Completion | RequestFailure]]


def test_a_request_says_everything_and_leaves_nothing_to_defaults(site: Site, ask: Ask, tiny_base: Path) -> None:
    request = Request(TUNED.name, "12+3=", 7, 0.5, 2**64 - 1, ("\n", "Q"))
    assert ask([request]) == [Completion("7", 2, finished=True)]
    [body] = site.bodies
    tokens = AutoTokenizer.from_pretrained(tiny_base)("12+3=")["input_ids"]
    assert body == {
        "model": TUNED.name,
        "prompt": tokens,
        "max_tokens": 7,
        "temperature": 0.5,
        "seed": 2**63 - 1,
        "stop": ["\n", "Q"],
        "stop_token_ids": [2],
        "top_p": 1.0,
        "n": 1,
    }
    assert tokens.count(1) == 1, "one beginning token"


def test_a_chat_turn_goes_out_in_the_models_own_template_with_one_beginning_token(site: Site, ask: Ask) -> None:
    ask([Request(BARE.name, "12", 4, 0.0, 1, chat=True)])
    [body] = site.bodies
    assert body["prompt"].count(1) == 1
    assert len(body["prompt"]) > len("12") + 1


def test_a_nucleus_and_log_probabilities_are_asked_for_where_they_are_wanted(site: Site, ask: Ask) -> None:
    scored = {"tokens": ["7", "x"], "token_logprobs": [-0.5, -3], "top_logprobs": [{"7": -0.5}, {"x": -3, "y": -1}]}
    choice = {"index": 0, "text": "7", "finish_reason": "stop", "logprobs": scored}
    site.respond = lambda body, times: (
        200,
        json.dumps({"choices": [choice], "usage": {"completion_tokens": 2}}).encode(),
        {},
    )
    [answer] = ask([Request(BARE.name, "1+1=", 4, 1.0, 1, top_p=0.9, logprobs=1)])
    assert (site.bodies[0]["top_p"], site.bodies[0]["logprobs"]) == (0.9, 1)
    expected = (TokenLogprob("7", -0.5, (("7", -0.5),)), TokenLogprob("x", -3.0, (("y", -1.0),)))
    assert answer == Completion("7", 2, finished=True, logprobs=expected)


def test_a_server_without_log_probabilities_fails_the_request_and_says_so(site: Site, ask: Ask) -> None:
    [failed] = ask([Request(BARE.name, "1+1=", 4, 1.0, 1, logprobs=1)])
    assert isinstance(failed, RequestFailure)
    assert f"{site.url} answered without the log-probabilities asked for" in failed.message


def test_every_further_text_is_asked_for_with_a_seed_of_its_own(site: Site, ask: Ask) -> None:
    site.respond = lambda body, times: good(str(body["seed"]))
    [answer] = ask([Request(BARE.name, "1+1=", 4, 1.0, 5, n=3)])
    assert isinstance(answer, Completion)
    assert {body["n"] for body in site.bodies} == {1}
    assert answer.text == "5"
    assert len({"5", *answer.alternatives}) == 3
    assert answer.tokens == 6


def test_the_key_goes_in_the_header_and_nowhere_else(site: Site, ask: Ask) -> None:
    ask(3)
    assert site.keys == {f"Bearer {KEY}"}
    assert KEY not in json.dumps(site.bodies)
    assert KEY not in repr(Endpoint("http://host", Path(), KEY))


def test_answers_come_in_the_order_of_the_requests(site: Site, ask: Ask) -> None:
    site.respond = lambda body, times: time.sleep(0.05 * (body["seed"] % 3)) or good(str(body["seed"]))
    assert [result.text for result in ask(20) if isinstance(result, Completion)] == [str(n) for n in range(20)]


@pytest.mark.parametrize("status", [429, 503, 502, None], ids=["too many", "busy", "gateway", "cut"])
def test_what_passes_is_asked_again(site: Site, ask: Ask, status: int | None) -> None:
    site.respond = lambda body, times: good() if times > 2 else error_answer(status) if status else None
    assert ask(5) == [Completion("7", 2, finished=True)] * 5
    assert set(site.seen.values()) == {3}


def test_a_server_that_asks_for_patience_gets_it(site: Site, ask: Ask) -> None:
    site.respond = lambda body, times: good() if times > 1 else error_answer(429, retry_after="0.9")
    began = time.monotonic()
    ask()
    assert time.monotonic() - began > 0.9


def test_a_deadline_covers_all_attempts(site: Site, ask: Ask) -> None:
    site.respond = lambda body, times: error_answer(503, "still loading")
    began = time.monotonic()
    with pytest.raises(InferenceError, match=r"answered 503: still loading \(tried \d times\)"):
        ask(deadline=1.5)
    assert time.monotonic() - began < 8


def test_a_server_that_stalls_is_not_waited_for_beyond_the_deadline(site: Site, ask: Ask) -> None:
    site.respond = lambda body, times: time.sleep(0.9) or good()
    with pytest.raises(InferenceError, match="no answer: TimeoutError"):
        ask(deadline=0.3)


def test_a_request_that_breaks_the_server_fails_alone(site: Site, ask: Ask) -> None:
    site.respond = lambda body, times: error_answer(500, "poison") if body["seed"] == 1 else good()
    first, second, third = ask(3)
    assert first == third == Completion("7", 2, finished=True)
    assert isinstance(second, RequestFailure)
    assert "poison" in second.message


def test_a_model_none_of_whose_requests_is_answered_is_an_error(site: Site, ask: Ask) -> None:
    site.respond = lambda body, times: error_answer(500, "no such basis") if body["model"] == TUNED.name else good()
    with pytest.raises(InferenceError, match=f"model {TUNED.name}: .* answered 500: no such basis"):
        ask([*some(2), *some(2, TUNED)])


def test_a_request_that_is_refused_is_not_sent_again(site: Site, ask: Ask) -> None:
    site.respond = lambda body, times: error_answer(400, "no such field")
    [failed] = ask()
    assert isinstance(failed, RequestFailure)
    assert "400: no such field" in failed.message
    assert len(site.bodies) == 1


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_wrong_key_and_a_missing_model_end_it_at_once(site: Site, ask: Ask, status: int) -> None:
    site.respond = lambda body, times: error_answer(status, "The model does not exist")
    with pytest.raises(InferenceError, match=f"{site.url} answered {status}: The model does not exist") as raised:
        ask()
    assert KEY not in str(raised.value)


@pytest.mark.parametrize(
    "data", [b"<html>\n\nproxy</html>", b"", b"[]", b'{"choices": []}', b'{"choices": [{}]}', b"7"]
)
def test_an_answer_that_is_no_completion_is_said_on_one_line(site: Site, ask: Ask, data: bytes) -> None:
    site.respond = lambda body, times: (200, data, {})
    with pytest.raises(InferenceError, match="not a completion") as raised:
        ask()
    assert "\n" not in str(raised.value)


def test_an_endpoint_that_is_not_there_is_named(tiny_base: Path, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{vllm_server.find_free_port()}"
    client = OpenAIInference(
        {BASE: FixedEndpoint(Endpoint(url, tiny_base))},
        LocalStore(tmp_path),
        ClientSettings(max_model_len=64, deadline=0.5),
    )
    client.serve([BARE])
    with pytest.raises(InferenceError, match=f"{url}: no answer: ClientConnectorError"):
        client.complete(some(2))
    client.close()


@pytest.mark.parametrize(("reason", "finished"), [("stop", True), ("length", False)])
def test_how_a_text_ended_is_told(site: Site, ask: Ask, reason: str, finished: bool) -> None:
    site.respond = lambda body, times: good(reason=reason)
    assert ask() == [Completion("7", 2, finished)]


def test_a_text_that_was_aborted_is_asked_for_again(site: Site, ask: Ask) -> None:
    site.respond = lambda body, times: good(reason="abort" if times == 1 else "stop")
    assert ask() == [Completion("7", 2, True)]


def test_no_more_requests_are_under_way_than_allowed_and_connections_are_kept(site: Site, ask: Ask) -> None:
    site.respond = lambda body, times: time.sleep(0.01) or good()
    ask(60, concurrency=5)
    assert site.busiest <= 5
    assert site.connections <= 6


class Mortal:
    """A host whose server dies at its first request and can be started again."""

    def __init__(self, place: Endpoint, dead: Endpoint) -> None:
        self.places, self.starts, self.living = [dead, place], 0, False

    def endpoint(self) -> Endpoint:
        if not self.living:
            self.starts, self.living = self.starts + 1, True
        return self.places[min(self.starts, 2) - 1]

    def is_alive(self, endpoint: Endpoint | None = None) -> bool:
        self.living = self.living and self.starts > 1
        return self.living

    def stop(self) -> None:
        self.living = False


def test_a_server_that_died_is_started_again_and_asked_what_it_owes(
    site: Site, tiny_base: Path, tmp_path: Path
) -> None:
    dead = Endpoint(f"http://127.0.0.1:{vllm_server.find_free_port()}", tiny_base)
    host = Mortal(Endpoint(site.url, tiny_base), dead)
    client = OpenAIInference({BASE: host}, LocalStore(tmp_path), ClientSettings(max_model_len=64))
    client.serve([BARE])
    assert client.complete(some(5)) == [Completion("7", 2, finished=True)] * 5
    assert host.starts == 2
    client.close()


class Moved:
    """A host whose server died at its first request; another lane has it started again, elsewhere, at once."""

    def __init__(self, place: Endpoint, dead: Endpoint) -> None:
        self.places = [dead, place]

    def endpoint(self) -> Endpoint:
        return self.places[0]

    def is_alive(self, endpoint: Endpoint | None = None) -> bool:
        self.places = self.places[-1:]
        return endpoint in (None, *self.places)

    def stop(self) -> None:
        return


def test_a_server_that_another_lane_has_started_again_is_asked_where_it_is_now(
    site: Site, tiny_base: Path, tmp_path: Path
) -> None:
    dead = Endpoint(f"http://127.0.0.1:{vllm_server.find_free_port()}", tiny_base)
    host = Moved(Endpoint(site.url, tiny_base), dead)
    client = OpenAIInference({BASE: host}, LocalStore(tmp_path), ClientSettings(max_model_len=64, deadline=60.0))
    client.serve([BARE])
    begun = time.monotonic()
    assert client.complete(some(5)) == [Completion("7", 2, finished=True)] * 5
    assert time.monotonic() - begun < 30
    client.close()


def test_recipes_are_published_and_names_two_generations_old_are_unloaded(
    site: Site, tiny_base: Path, tmp_path: Path
) -> None:
    store = LocalStore(tmp_path)
    client = OpenAIInference(
        {BASE: FixedEndpoint(Endpoint(site.url, tiny_base))}, store, ClientSettings(max_model_len=64)
    )
    recipes = [build_mixture(BASE, (ADAPTER,), (n + 2.0,)) for n in range(5)]
    for recipe in recipes:
        client.serve([BARE, TUNED, recipe])
        client.serve([BARE, TUNED, recipe])  # another lane says the same
    assert site.unloaded == [recipe.name for recipe in recipes[:3]]
    assert adapter_store.parse_generations(store.read(adapter_store.LIVE_KEY)) == [
        sorted([TUNED.name, recipes[n].name]) for n in (4, 3)
    ]
    for recipe in recipes:
        assert Recipe.from_bytes(store.read(adapter_store.recipe_key(recipe.name)) or b"") == recipe
    client.close()


def test_a_base_without_a_server_is_refused(tmp_path: Path) -> None:
    client = OpenAIInference({}, LocalStore(tmp_path))
    with pytest.raises(InferenceError, match="there is no server for it"):
        client.serve([BARE])
    client.close()
