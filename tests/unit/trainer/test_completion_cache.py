"""The names and bytes of kept answers: a request that asks for nothing more keeps the name that it always had."""

import dataclasses
from pathlib import Path

import pytest
from fake_store import FakeStore

from swarm_core.ports import Completion, CorruptError, Request, TokenLogprob, Turn
from swarm_core.recipe import ModelName
from swarm_trainer.inference import completion_cache, openai_protocol
from swarm_trainer.inference.endpoint import RemoteModel

URL = "http://host/v1"
REQUEST = Request(ModelName("m"), "1+1", 4, 0.7, 3, ("\n",), chat=True)
NAME = "answers/33/33bcb6b562f0833cf8bc72fe48c29f9ccb82bbe16d653f032d5590e4257d881a.json"
"""As it was before requests had system text, turns, a nucleus, several texts and log-probabilities."""


def name(**more: object) -> str:
    request = dataclasses.replace(REQUEST, **more)  # type: ignore[arg-type]
    return completion_cache.key(URL, openai_protocol.chat_body(request, RemoteModel(URL, "large")))


def test_a_request_without_the_new_fields_keeps_its_name() -> None:
    assert name() == NAME
    assert name(system=None, turns=(), top_p=1.0, n=1, logprobs=None) == NAME


def test_every_field_that_is_set_gives_a_name_of_its_own() -> None:
    turns = (Turn("user", "1"), Turn("assistant", "2"))
    more = [
        {"system": ""},
        {"system": "s"},
        {"turns": turns},
        {"top_p": 0.9},
        {"n": 2},
        {"logprobs": 0},
        {"logprobs": 1},
    ]
    assert len({NAME, *(name(**one) for one in more)}) == 1 + len(more)


def test_a_plain_answer_is_kept_in_the_bytes_that_it_always_had(tmp_path: Path) -> None:
    store = FakeStore(tmp_path)
    completion_cache.save(store, NAME, {"n": 1}, Completion("2", 3, True))
    assert store.read(NAME) == b'{"asked":{"n":1},"finished":true,"text":"2","tokens":3}'


def test_alternatives_and_log_probabilities_are_kept(tmp_path: Path) -> None:
    store = FakeStore(tmp_path)
    scores = (TokenLogprob("2", -0.25, (("2", -0.25), ("3", -4.0))), TokenLogprob("", -1.0))
    answer = Completion("2", 6, False, ("3", ""), scores)
    assert completion_cache.save(store, NAME, {}, answer) == answer
    assert completion_cache.load(store, NAME) == answer


@pytest.mark.parametrize("data", [b"[]", b"7", b'{"finished":true,"text":"2","tokens":3,"logprobs":[["2"]]}'])
def test_what_was_not_written_here_is_corrupt(data: bytes) -> None:
    with pytest.raises(CorruptError, match="not a stored answer"):
        completion_cache.parse(NAME, data)
