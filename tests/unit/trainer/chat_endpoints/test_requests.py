"""What an endpoint is asked, and that an answer is kept."""

import dataclasses
import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import scripted_http_server
from chat_desk import KEY, OWN, SEVEN, Open
from scripted_chat_server import ChatServer, chat_choices, chat_completion

from swarm_core.ports import Completion, CorruptError, Request, RequestFailure, TokenLogprob, Turn


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
