"""The generated CRD and editor schema are fresh, explained throughout, and refuse what they cannot express."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import crd_validator
import generated_documents as generated
import jsonschema
import pytest
import swarmrun_documents as documents
from pydantic import BaseModel, Field

from swarm_core.api import crd, schema
from swarm_core.blocks.block import VALIDATIONS

CRDS = Path(__file__).parents[3] / "crds"
LIMIT = 200 * 1024
"""kubectl apply keeps the whole object as JSON in an annotation, which may hold 256 KiB."""


def test_the_committed_crd_is_the_generated_one() -> None:
    assert (CRDS / "dataswarm.io_swarmruns.yaml").read_text() == crd.text(documents.RESOURCE)


def test_the_committed_editor_schema_is_the_generated_one() -> None:
    assert (CRDS / "swarmrun.schema.json").read_text() == schema.text(documents.RESOURCE.model)


def test_the_crd_is_small_enough_for_kubectl_apply() -> None:
    """kubectl writes JSON without spaces, and `&`, `<` and `>` as escapes of six characters."""
    written = json.dumps(crd.build_manifest(documents.RESOURCE), separators=(",", ":"), ensure_ascii=False)
    escaped = sum(written.count(character) for character in "&<>")
    assert len(written.encode()) + 5 * escaped < LIMIT


def fields(node: documents.Document, path: str = "") -> Iterator[tuple[str, documents.Document]]:
    for name, part in node.get("properties", {}).items():
        yield f"{path}.{name}", part
        yield from fields(part, f"{path}.{name}")
    if "items" in node:
        yield from fields(node["items"], f"{path}[]")


def test_no_field_is_a_word_that_yaml_of_kubernetes_reads_as_another_type() -> None:
    names = {path.rpartition(".")[2].removesuffix("[]") for path, _ in fields(documents.SCHEMA)}
    assert names.isdisjoint({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def test_every_field_is_explained_in_a_few_whole_sentences() -> None:
    kubernetes = ".metadata"
    told = {
        path: part.get("description", "") for path, part in fields(documents.SCHEMA) if not path.startswith(kubernetes)
    }
    assert len(told) > 100
    sentences = {path: words.split(". ") for path, words in told.items()}
    assert [path for path, words in told.items() if not words.endswith(".")] == []
    assert [path for path, parts in sentences.items() if len(parts) > 3] == []
    assert [path for path, parts in sentences.items() if not all(part[:1].isupper() for part in parts)] == []


def test_every_default_of_the_crd_obeys_the_rules_as_it_is_written() -> None:
    """The API server refuses the whole CRD otherwise. It checks a default before it fills in the fields below it."""
    found = list(list_ruled_defaults(documents.SCHEMA))
    assert found
    for part in found:
        assert list(crd_validator._broken_rules(part["default"], part, None)) == []


def list_ruled_defaults(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The objects of a schema that have a default, and rules of their own or below."""
    for part in node.get("properties", {}).values():
        if isinstance(part.get("default"), dict) and list(crd_validator.rules(part)):
            yield part
        yield from list_ruled_defaults(part)
        yield from list_ruled_defaults(part.get("items", {}))


def test_no_two_rules_of_one_block_say_the_same() -> None:
    for path, part in fields(documents.SCHEMA):
        messages = [rule["message"] for rule in part.get(VALIDATIONS, ())]
        assert len(messages) == len(set(messages)), path


def test_the_editor_schema_lets_valid_documents_pass_and_underlines_a_typo() -> None:
    editor_schema = schema.build_editor_schema(documents.RESOURCE.model)
    validator = jsonschema.validators.validator_for(editor_schema)
    validator.check_schema(editor_schema)
    for start in generated.STARTS:
        assert [error.message for error in validator(editor_schema).iter_errors(documents.patched(start))] == [], start
    with pytest.raises(jsonschema.ValidationError, match="partcles"):
        validator(editor_schema).validate(documents.patched({"spec.swarm.partcles": 3}))


class Either(BaseModel):
    field: int | str


class Pair(BaseModel):
    field: tuple[int, str]


class Endless(BaseModel):
    field: str


class Unlisted(BaseModel):
    field: Annotated[str, Field(max_length=3)] = ""
    rows: list[int]


class Mapped(BaseModel):
    field: dict[str, int]


class Scattered(BaseModel):
    field: Annotated[dict[str, int | str], Field(max_length=3)]


class Stepped(BaseModel):
    field: int = Field(multiple_of=3)


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (Either, r"spec\.field: .*'anyOf'"),
        (Pair, r"spec\.field: .*'prefixItems'"),
        (Endless, r"spec\.field: has no maxLength"),
        (Unlisted, r"spec\.rows: has no maxItems"),
        (Mapped, r"spec\.field: has no maxProperties"),
        (Scattered, r"spec\.field{}: .*'anyOf'"),
        (Stepped, r"spec\.field: .*'multipleOf'"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_what_a_structural_schema_cannot_say_is_refused_by_name(model: type[BaseModel], named: str) -> None:
    with pytest.raises(crd.InexpressibleError, match=named):
        crd.to_structural(schema.inline_references(model), "spec")
