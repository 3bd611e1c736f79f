"""Limits of an endpoint, budgets of a run, probes, and schemas of replies."""

import dataclasses
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import scripted_chat_server
import scripted_http_server
from chat_desk import Desk, Open, is_control
from scripted_chat_server import ChatServer, chat_completion, error_answer

from swarm_core.api.lifecycle import Budget
from swarm_core.errors import BadInputError
from swarm_core.ports import Completion, Request, RequestFailure
from swarm_trainer.inference import chat_endpoints, endpoint_budget, vllm_server


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
