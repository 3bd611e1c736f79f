"""The schedule of an ItemCount, and what its spec may say."""

from typing import Any

import pytest

from swarm_core.api import loading, resolution
from swarm_core.errors import BadInputError
from swarm_core.programs import program


def document(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "dataswarm.io/v1alpha1",
        "kind": "ItemCount",
        "metadata": {"name": "seeds"},
        "spec": {"data": {"uri": "seeds.jsonl"}, **spec},
    }


def test_nothing_is_trained_and_nothing_iterates() -> None:
    resolved = resolution.resolve(loading.from_object(document(), "run.yaml"))
    outline = program.build_outline(resolved)
    assert (outline.iterations, outline.turns, outline.training) == (0, (), ())
    assert [use.uri for use in resolution.list_uris(resolved)] == ["seeds.jsonl"]


def test_the_field_of_the_text_is_part_of_the_experiment_and_suspend_is_not() -> None:
    def digest(**spec: Any) -> str:
        return resolution.spec_digest(resolution.resolve(loading.from_object(document(**spec), "run.yaml")))

    assert digest(data={"uri": "seeds.jsonl", "field": "text"}) == digest() == digest(suspend=True)
    assert digest(data={"uri": "seeds.jsonl", "field": "question"}) != digest()


def test_a_spec_without_a_file_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"spec\.data"):
        loading.from_object(document(data={}), "run.yaml")
