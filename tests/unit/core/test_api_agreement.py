"""The models and the CRD made from them say yes and no to the same documents."""

import crd_validator
import generated_documents as generated
import pytest
import rule_examples
import swarmrun_documents as documents
from hypothesis import given, settings

from swarm_core.api import loading
from swarm_core.blocks.block import VALIDATIONS
from swarm_core.errors import BadInputError
from swarm_core.programs.swarm_run.spec import FIXED_NON_IDENTITY_FIELDS, IDENTITY_FIELDS, MUTABLE_FIELDS, SwarmRunSpec

SCHEMA, FIXED_FIELDS = documents.SCHEMA, documents.RESOURCE.fixed


def refusal(document: documents.Document) -> str:
    """What the models say against `document`; empty if nothing."""
    try:
        loading.parse_object(document, "run.yaml")
    except BadInputError as error:
        return str(error)
    return ""


def by_message(example: rule_examples.Example) -> str:
    return example.message.split(";")[0]


@pytest.mark.parametrize("example", rule_examples.EXAMPLES, ids=by_message)
def test_a_rule_lets_its_accept_example_pass(example: rule_examples.Example) -> None:
    document = documents.patched(example.accept)
    assert refusal(document) == ""
    assert crd_validator.list_refusals(document, SCHEMA) == []


@pytest.mark.parametrize("example", rule_examples.EXAMPLES, ids=by_message)
def test_a_rule_and_no_other_refuses_its_reject_example(example: rule_examples.Example) -> None:
    document = documents.patched(example.reject)
    assert refusal(document).endswith(example.message)
    assert len(refusal(document).splitlines()) == 1
    assert crd_validator.list_refusals(document, SCHEMA) == [example.message]


def test_every_rule_has_an_example() -> None:
    told = {rule["message"] for rule in crd_validator.rules(SCHEMA) if "oldSelf" not in rule["rule"]}
    assert told == {example.message for example in rule_examples.EXAMPLES}


def test_every_field_of_the_spec_is_fixed_or_free() -> None:
    fields = list(IDENTITY_FIELDS + FIXED_NON_IDENTITY_FIELDS + MUTABLE_FIELDS)
    assert sorted(fields) == sorted(SCHEMA["properties"]["spec"]["properties"])
    assert len(fields) == len(SwarmRunSpec.model_fields)
    assert tuple(documents.EDITS) == FIXED_FIELDS
    fixed = [rule for rule in SCHEMA["properties"]["spec"][VALIDATIONS] if "oldSelf" in rule["rule"]]
    assert [rule["fieldPath"] for rule in fixed] == [f".{name}" for name in FIXED_FIELDS]


@pytest.mark.parametrize("name", FIXED_FIELDS)
def test_a_fixed_field_cannot_be_edited(name: str) -> None:
    before, edit = documents.EDITS[name]
    old = documents.patched(before)
    new = documents.patched(edit, old)
    assert crd_validator.list_refusals(old, SCHEMA, before=old) == []
    assert crd_validator.list_refusals(new, SCHEMA) == []
    (message,) = crd_validator.list_refusals(new, SCHEMA, before=old)
    assert message.startswith(f"{name} is fixed once a run exists")
    assert message.endswith("; create a SwarmRun with another name")


@pytest.mark.parametrize(("bucket", "accepted"), documents.STORAGE_EDITS)
def test_a_store_may_move_while_its_artifacts_stay_in_one_place(bucket: documents.Document, accepted: bool) -> None:
    old = documents.patched({"spec.storage": {"type": "S3", "s3": documents.PLACE}})
    new = documents.patched({"spec.storage.s3": bucket}, old)
    assert (crd_validator.list_refusals(new, SCHEMA, before=old) == []) is accepted


@pytest.mark.parametrize("edit", documents.FREE_EDITS, ids=lambda edit: next(iter(edit)))
def test_what_is_outside_the_identity_can_be_edited(edit: documents.Patch) -> None:
    assert crd_validator.list_refusals(documents.patched(edit), SCHEMA, before=documents.minimal()) == []


@settings(max_examples=400, deadline=None)
@given(generated.documents())
def test_a_document_is_valid_for_the_models_exactly_when_it_is_for_the_crd(document: documents.Document) -> None:
    ours, theirs = refusal(document), crd_validator.list_refusals(document, SCHEMA)
    assert bool(ours) == bool(theirs), f"models: {ours or 'valid'}; CRD: {theirs or 'valid'}"


@pytest.mark.parametrize("field", SCHEMA["properties"]["spec"]["properties"])
def test_models_and_crd_agree_at_the_limits_of_every_field(field: str) -> None:
    for document in generated.list_boundary_documents(field):
        ours, theirs = refusal(document), crd_validator.list_refusals(document, SCHEMA)
        assert bool(ours) == bool(theirs), f"{document}: models: {ours or 'valid'}; CRD: {theirs or 'valid'}"


def test_generated_documents_are_of_both_kinds() -> None:
    verdicts = []

    @settings(max_examples=100, deadline=None, database=None, derandomize=True)
    @given(generated.documents())
    def collect(document: documents.Document) -> None:
        verdicts.append(bool(refusal(document)))

    collect()
    assert 0.2 < sum(verdicts) / len(verdicts) < 0.8
