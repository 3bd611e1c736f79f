"""An endpoint that cannot be used is refused before anything is trained, with value, rule and way out, and no key."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import scripted_http_server
import swarmrun_documents as documents
from scripted_chat_server import MODEL, ChatServer, chat_completion, error_answer

from swarm_core.api import loading, resolution
from swarm_core.errors import BadInputError
from swarm_trainer.inference import vllm_server
from swarm_trainer.runtime import remote_endpoints
from swarm_trainer.runtime.context import Context
from swarm_trainer.stores.local import LocalStore

KEY = "sk-very-secret"
Check = Callable[..., None]


@pytest.fixture
def site() -> Iterator[ChatServer]:
    with scripted_http_server.run_server(ChatServer(key=KEY)) as made:
        yield made


@pytest.fixture
def check(site: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Check]:
    """Checks a run with one taker at the site, its endpoint changed as told."""
    contexts: list[Context] = []
    monkeypatch.setenv("HELD", KEY)

    def checking(judge: bool = False, **changes: Any) -> None:
        endpoint = {"url": site.url, "model": MODEL, "apiKeyEnv": "HELD", **changes}
        endpoint = {name: value for name, value in endpoint.items() if value is not None}
        patch = {"spec.takers.1": {"name": "far-away", "endpoint": endpoint}}
        if judge:
            patch = {"spec.judge": {"type": "Model", "model": {"endpoint": endpoint}}}
        resolved = resolution.resolve_run(loading.parse_object(documents.patched(patch), "run.yaml"))
        store = LocalStore(tmp_path / "store")
        contexts.append(Context(resolved, store, tmp_path / "cache", tmp_path, lambda _: None))
        remote_endpoints.check(contexts[-1])

    yield checking
    for context in contexts:
        if context.chat is not None:
            context.chat.close()


def refusal(check: Check, **changes: Any) -> str:
    with pytest.raises(BadInputError) as raised:
        check(**changes)
    said = str(raised.value)
    assert KEY not in said
    assert len(said.splitlines()) == 1
    return said


def test_a_key_from_a_variable_a_file_or_a_secret_is_shown_to_the_endpoint(
    site: ChatServer, check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    monkeypatch.setenv("DATASWARM_API_KEY_TAKERS_FAR_AWAY", KEY)
    monkeypatch.setenv("DATASWARM_API_KEY_JUDGE", KEY)
    check()
    check(apiKeyEnv=None, apiKeyFile="key")
    check(apiKeyEnv=None, apiKeySecretRef={"name": "keys", "key": "k"})
    check(judge=True, apiKeyEnv=None, apiKeySecretRef={"name": "keys", "key": "k"})
    assert site.keys == {f"Bearer {KEY}"}
    assert len(site.bodies) == 4


def test_an_endpoint_that_wants_no_key_is_shown_none(site: ChatServer, check: Check) -> None:
    site.key = None
    check(apiKeyEnv=None)
    assert site.keys == {None}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"apiKeyEnv": "NOBODY_SET_THIS"}, "NOBODY_SET_THIS: no such environment variable, or an empty one; put"),
        ({"apiKeyEnv": None, "apiKeyFile": "no/key"}, "apiKeyFile: 'no/key': No such file or directory"),
        ({"apiKeyEnv": None, "apiKeyFile": "empty"}, "empty: the file is empty; put the endpoint's key there"),
        ({"apiKeyEnv": None, "apiKeyFile": "wrong"}, "wrong: this is not a key"),
        ({"apiKeyEnv": None, "apiKeyFile": "bytes"}, "apiKeyFile: 'bytes': not text"),
        (
            {"apiKeyEnv": None, "apiKeySecretRef": {"name": "a", "key": "b"}},
            "DATASWARM_API_KEY_TAKERS_FAR_AWAY: no such environment variable",
        ),
    ],
    ids=lambda value: next(iter(value.values())) or next(reversed(value)) if isinstance(value, dict) else "",
)
def test_a_key_that_cannot_be_had_is_named_by_where_it_should_be(
    check: Check, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "wrong").write_text(f"{KEY}\n{KEY}\n")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    said = refusal(check, **changes)
    assert said.startswith("spec.takers[1].endpoint")
    assert words in said


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_the_endpoint_does_not_take_is_named_by_where_it_came_from(
    site: ChatServer, check: Check, status: int
) -> None:
    site.respond = lambda body, times: error_answer(status, f"Incorrect API key provided: {KEY}")
    said = refusal(check)
    assert said.startswith(f"spec.takers[1].endpoint: {site.url}/v1 does not take the key in HELD")
    assert "***" in said
    site.key = "another"
    assert "does not take a request without a key" in refusal(check, apiKeyEnv=None)
    assert refusal(check, judge=True).startswith("spec.judge.model.endpoint: ")


def test_a_model_that_is_not_there_is_named_with_those_that_are(site: ChatServer, check: Check) -> None:
    site.models = ("a", "b")
    said = refusal(check)
    assert "spec.takers[1].endpoint.model: 'calculator' is not there" in said
    assert said.endswith("choose one of a, b")


def test_an_address_where_nobody_listens_is_refused(check: Check) -> None:
    url = f"http://127.0.0.1:{vllm_server.find_free_port()}"
    said = refusal(check, url=url)
    assert said.startswith(f"spec.takers[1].endpoint.url: {url}/v1: no answer: ClientConnectorError")
    assert said.endswith("start the server, or correct the address")


def test_a_path_that_is_not_the_apis_is_refused(site: ChatServer, check: Check) -> None:
    assert "correct model 'calculator' or the address" in refusal(check, url=f"{site.url}/v7")


@pytest.mark.parametrize("answer", [(200, b"<html>hello</html>", {}), (200, b"{}", {})], ids=["html", "another json"])
def test_a_server_that_speaks_something_else_is_refused(
    site: ChatServer, check: Check, answer: scripted_http_server.Answer
) -> None:
    site.respond = lambda body, times: answer
    said = refusal(check)
    assert "answered with something that is not a completion" in said
    assert said.endswith("give the address of an API that speaks OpenAI's chat completions")


def test_a_server_that_is_busy_for_a_moment_is_tried_again(site: ChatServer, check: Check) -> None:
    site.respond = lambda body, times: chat_completion("ok") if times > 2 else error_answer(503)
    check()
    assert len(site.bodies) == 3


def test_a_setting_that_the_endpoint_does_not_take_is_told_in_its_words(site: ChatServer, check: Check) -> None:
    site.respond = lambda body, times: error_answer(400, "Unsupported parameter: 'max_tokens'")
    assert "Unsupported parameter: 'max_tokens'" in refusal(check)
