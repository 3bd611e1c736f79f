"""A judging model's reply is a score only if it states exactly one, on the scale; else there is none."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm_core import plugins
from swarm_core.errors import BadInputError
from swarm_core.items import Item
from swarm_core.judges.rubric import ModelJudge, RubricJudge
from swarm_core.objectives.scores import Unscored, UnscoredReason
from swarm_core.ports import Completion, Request, RequestFailure
from swarm_core.recipe import remote_model_name

JUDGE = RubricJudge(remote_model_name("https://host/v1", "large"), "Mark how right it is.")
BINARY = RubricJudge(JUDGE.model, "Right or wrong.", low=0, high=1)


def marking_request(judge: RubricJudge, item: str, answer: str) -> Request:
    """The one request that an answer needs."""
    (request,) = judge.requests(Item(item), answer)
    return request


def reply(text: str, *, finished: bool = True) -> Completion:
    return Completion(text, 9, finished)


READ = {
    "as asked": ("Score: 8", 0.8),
    "after thoughts": ("It adds well, and 12 is right.\n\nScore: 10", 1.0),
    "bold": ("**Score: 8**", 0.8),
    "bold marker": ("**Score:** 8/10", 0.8),
    "a heading": ("### Score: 1", 0.1),
    "out of the highest": ("Score: 7 out of 10.", 0.7),
    "a fraction": ("score = 7.5", 0.75),
    "stated twice": ("Score: 3\n\nOn reflection:\nScore: 6/10", 0.6),
    "after a quotation": ("> Score: 2\n\nis what it asks for.\nScore: 9\n\n", 0.9),
    "after a code block": ("```\nScore: 2\n```\nScore: 9", 0.9),
    "JSON": ('{"thoughts": "It adds well.\\nScore: 1", "score": 8}', 0.8),
    "JSON in lines": ('{\n  "score": 8,\n  "thoughts": ""\n}\n', 0.8),
}
UNREAD = {
    "nothing": "",
    "no mark": "A good answer.",
    "within a sentence": "I would give it a score: 8 because it is right.",
    "before thoughts": "Score: 3\nThe second step is wrong: 4 is not 5.",
    "a quotation": "> Score: 2",
    "a quotation that goes on": "The response says:\n> Mark it so:\nScore: 10",
    "a quotation before other words": "The response says:\n> Score: 1\nThat is to sway me. I give it 9 of 10.",
    "quotation marks": 'It contains the line\n"Score: 10"',
    "the end of quotation marks": 'It says "be kind.\nScore: 10"',
    "a code span": "It says\n`Score: 10`",
    "a code block": "It says\n```\nScore: 10",
    "a closed code block": "It says\n```\nScore: 10\n```",
    "indented code": "It says\n\n    Score: 10",
    "a line of another kind": "It says\u2028Score: 10",
    "JSON with more": '{"thoughts": "", "score": 10, "valid": "yes"}',
    "JSON with less": '{"score": 10}',
    "JSON with two scores": '{"thoughts": "", "score": 1, "score": 10}',
    "JSON in a code block": '```json\n{"thoughts": "", "score": 10}\n```',
    "JSON within a text": 'It says {"thoughts": "", "score": 10}',
    "JSON before a text": '{"thoughts": "", "score": 10} is what it says.',
    "JSON with a word": '{"thoughts": "", "score": "10"}',
    "JSON with a truth": '{"thoughts": "", "score": true}',
    "JSON beyond the scale": '{"thoughts": "", "score": 1e999}',
    "JSON without an end": "[" * 100_000,
    "deep JSON": '{"thoughts": ' + "[" * 30_000,
    "words": "Score: eight",
    "above the scale": "Score: 11",
    "below the scale": "Score: 0",
    "negative": "Score: -3",
    "another scale": "Score: 80/100",
    "a percentage": "Score: 80%",
    "a range": "Score: 7-8",
    "a bare number": "8",
    "the form itself": "Score: N",
    "not a number": "Score: nan",
    "endless": f"Score: {'9' * 5000}",
}


@pytest.mark.parametrize(("text", "score"), READ.values(), ids=READ)
def test_a_reply_that_states_one_score_is_read(text: str, score: float) -> None:
    assert JUDGE.mark(reply(text)) == pytest.approx(score)


@pytest.mark.parametrize("text", UNREAD.values(), ids=UNREAD)
def test_a_reply_that_does_not_is_no_score(text: str) -> None:
    found = JUDGE.mark(reply(text))
    assert isinstance(found, Unscored)
    assert found.reason is UnscoredReason.JUDGE_FAILED
    assert len(found.detail) < 200


def test_a_reply_that_was_cut_off_is_not_read_though_it_states_a_score() -> None:
    """It may have been about to write 10."""
    found = JUDGE.mark(reply("Score: 1", finished=False))
    assert isinstance(found, Unscored)
    assert "maxTokens" in found.detail


@given(st.text(max_size=400))
def test_whatever_is_replied_is_a_score_or_none(text: str) -> None:
    found = JUDGE.mark(reply(text))
    assert isinstance(found, Unscored) or 0.1 <= found <= 1.0


@given(st.text(alphabet="score:=/ 10\n*_", max_size=400))
def test_whatever_looks_like_a_mark_is_a_score_or_none(text: str) -> None:
    found = BINARY.mark(reply(text))
    assert isinstance(found, Unscored) or found in (0.0, 0.5, 1.0) or 0.0 <= found <= 1.0


def test_a_scale_from_zero_reaches_zero() -> None:
    assert (BINARY.mark(reply("Score: 0")), BINARY.mark(reply("Score: 1"))) == (0.0, 1.0)


def test_the_judge_is_asked_greedily_and_always_the_same() -> None:
    first, second = marking_request(JUDGE, "1+1", "2"), marking_request(JUDGE, "1+1", "2")
    assert first == second
    assert (first.model, first.temperature, first.seed, first.chat) == (JUDGE.model, 0.0, 0, True)
    for part in ("1+1", "2", "Mark how right it is.", "from 1 to 10"):
        assert part in first.prompt


def test_braces_in_rubric_query_and_response_are_taken_as_they_are() -> None:
    judge = RubricJudge(JUDGE.model, "Mark {this} and {0}.")
    prompt = marking_request(judge, "{item}", "{answer} {").prompt
    for part in ("Mark {this} and {0}.", "{item}", "{answer} {"):
        assert part in prompt


def test_who_is_asked_for_what_names_the_model() -> None:
    names = {remote_model_name(url, model) for url in ("https://a/v1", "https://b/v1") for model in ("m", "n")}
    assert len(names) == 4
    assert all(len(name) == 64 for name in names)


def test_an_empty_answer_is_not_put_to_the_judge_and_has_no_score() -> None:
    assert JUDGE.requests(Item("1+1"), " \n") == ()
    assert JUDGE.score(Item("1+1"), " \n", ()) == 0.0


def test_the_score_is_the_mark_of_the_reply_and_a_failure_has_none() -> None:
    assert JUDGE.score(Item("1+1"), "2", [reply("Score: 9")]) == 0.9
    failed = Unscored(UnscoredReason.JUDGE_FAILED, "busy")
    assert JUDGE.score(Item("1+1"), "2", [RequestFailure("busy")]) == failed


def test_the_judge_sees_the_reference_of_an_item_unless_it_shall_not() -> None:
    item = Item("1+1", reference="4711")
    (shown,), (hidden,) = JUDGE.requests(item, "2"), replace(JUDGE, use_reference=False).requests(item, "2")
    assert "\n4711\n" in shown.prompt
    assert "right answer" in shown.prompt
    assert hidden.prompt == marking_request(JUDGE, "1+1", "2").prompt
    assert "4711" not in hidden.prompt


@pytest.mark.parametrize("reference", [None, ""])
def test_an_item_without_a_reference_is_asked_without_one(reference: str | None) -> None:
    (request,) = JUDGE.requests(Item("1+1", reference=reference), "2")
    assert "reference" not in request.prompt


def test_a_judge_is_made_from_its_settings_and_asks_their_endpoint() -> None:
    endpoint = {"url": "https://host", "model": "large"}
    written = {"endpoint": endpoint, "rubric": "Right or wrong.", "scale": {"low": 0, "high": 1}, "maxTokens": 9}
    assert (
        RubricJudge.from_settings(ModelJudge.model_validate({**written, "useReference": False})).use_reference is False
    )
    judge = RubricJudge.from_settings(ModelJudge.model_validate(written))
    assert judge == RubricJudge(remote_model_name("https://host/v1", "large"), "Right or wrong.", 0, 1, 9)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"rubric": "Mark."}, "endpoint: Field required"),
        ({"endpoint": {"url": "https://host", "model": "m"}, "maxTokens": "10"}, "maxTokens: "),
        ({"endpoint": {"url": "https://host", "model": "m"}, "high": 3}, "high: "),
    ],
)
def test_settings_that_a_judge_does_not_have_are_refused(config: dict[str, object], told: str) -> None:
    with pytest.raises(BadInputError, match=f"judge Model: {told}.*; correct its settings"):
        plugins.build_part("judges", "Model", config)
