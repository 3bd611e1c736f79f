"""The words of prompts in a spec: what is refused, what they change, and what stays as it was."""

import pytest
import swarmrun_documents as documents

from swarm_core.api import loading, resolution
from swarm_core.api.resolved import ResolvedSpec
from swarm_core.errors import BadInputError
from swarm_core.text.prompts import PromptTexts


def resolved(prompts: documents.Patch | None) -> ResolvedSpec:
    patch = {} if prompts is None else {"spec.prompts": prompts}
    return resolution.resolve_run(loading.parse_object(documents.patched(patch), "run.yaml"))


def test_every_word_reaches_the_wording_of_the_run() -> None:
    generation, answering = {"text": "a {examples}", "system": "b"}, {"text": "c {item}", "system": "d"}
    wording = resolved({"generation": generation, "answering": answering}).wording
    assert wording.texts == PromptTexts("a {examples}", "b", "c {item}", "d")
    assert wording.domain == "general knowledge"


@pytest.mark.parametrize(
    ("prompts", "why"),
    [
        (
            {"generation": {"text": "Write more."}},
            "spec.prompts.generation.text: 'Write more.': write {examples} where",
        ),
        (
            {"answering": {"text": "Answer."}},
            "spec.prompts.answering.text: 'Answer.': write {item} where the item stands",
        ),
        (
            {"generation": {"text": "{examples} {items}"}},
            "{items} is no placeholder; use {examples}, {count}, {domain}",
        ),
        ({"answering": {"text": "{item} {count}"}}, "{count} is no placeholder; use {item}, {domain}"),
        ({"generation": {"system": ""}}, "spec.prompts.generation.system: '' has the wrong length"),
    ],
)
def test_a_text_that_cannot_be_filled_is_refused_by_name(prompts: documents.Patch, why: str) -> None:
    with pytest.raises(BadInputError) as refused:
        resolved(prompts)
    assert why in str(refused.value)


def test_other_braces_are_text() -> None:
    wording = resolved({"answering": {"text": 'Reply as {"answer": 1} to {item}'}}).wording
    assert wording.texts.answering == 'Reply as {"answer": 1} to {item}'


def test_words_are_part_of_the_identity_and_no_words_are_not() -> None:
    found = {resolution.spec_digest(resolved(one)) for one in (None, {}, {"generation": {}})}
    changed = {
        resolution.spec_digest(resolved({part: {name: f"{text} x"}}))
        for part, text in (("generation", "{examples}"), ("answering", "{item}"))
        for name in ("text", "system")
    }
    assert len(changed) == 4
    assert len(found) == 1
    assert not changed & found
