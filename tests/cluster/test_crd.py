"""A real API server accepts the CRD and validates documents as the models do."""

from typing import Any

import cluster_environment
import generated_documents as generated
import pytest
import rule_examples
import swarmrun_documents as documents
import yaml
from hypothesis import HealthCheck, given, settings

from swarm_core.api import loading, resolution
from swarm_core.errors import BadInputError

pytestmark = pytest.mark.cluster
RUNS = f"/apis/dataswarm.io/v1alpha1/namespaces/default/{documents.RESOURCE.plural}"
YAML = "application/yaml"


@pytest.fixture(scope="module")
def server(api_server: Any) -> Any:
    """The API server with the committed CRD established."""
    cluster_environment.await_crds(api_server)
    return api_server


def ours(text: str) -> tuple[str, str]:
    """The refusal of our models, or the digest of the run."""
    try:
        return "", resolution.spec_digest(resolution.resolve_run(loading.parse(text, "run.yaml")))
    except BadInputError as error:
        return str(error), ""


def theirs(server: Any, text: str) -> tuple[str, str]:
    """The server's refusal of a dry-run create, or the digest of what it would store with its defaults."""
    status, answer = server.call("POST", f"{RUNS}?dryRun=All", text, YAML)
    if status != 201:
        return (answer["message"] if isinstance(answer, dict) else answer) or str(status), ""
    return "", resolution.spec_digest(resolution.resolve_run(loading.parse_object(answer, "server")))


def assert_agreed(server: Any, text: str) -> None:
    (refusal, digest), (their_refusal, their_digest) = ours(text), theirs(server, text)
    assert bool(refusal) == bool(their_refusal), f"models: {refusal or 'valid'}; server: {their_refusal or 'valid'}"
    assert digest == their_digest


def written(document: documents.Document) -> str:
    return yaml.safe_dump(document, allow_unicode=True)


def by_message(example: rule_examples.Example) -> str:
    return example.message.split(";")[0]


@pytest.mark.parametrize("example", rule_examples.EXAMPLES, ids=by_message)
def test_the_server_lets_the_accept_example_of_a_rule_pass(server: Any, example: rule_examples.Example) -> None:
    text = written(documents.patched(example.accept))
    assert theirs(server, text) == ours(text)
    assert not theirs(server, text)[0]


@pytest.mark.parametrize("example", rule_examples.EXAMPLES, ids=by_message)
def test_the_server_gives_the_reason_of_the_rule_that_is_broken(server: Any, example: rule_examples.Example) -> None:
    assert example.message in theirs(server, written(documents.patched(example.reject)))[0]


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=generated.documents())
def test_server_and_models_agree_on_generated_documents(server: Any, document: documents.Document) -> None:
    assert_agreed(server, written(document))


@pytest.mark.parametrize("field", documents.SCHEMA["properties"]["spec"]["properties"])
def test_server_and_models_agree_at_the_limits_of_every_field(server: Any, field: str) -> None:
    for document in generated.list_boundary_documents(field):
        assert_agreed(server, written(document))


SCALARS = (
    "2e-1", "1E0", ".5", "1.", "+1", "+.5", "1_0", "0x1F", "0o17", "017", "08", "0b11", "-0", "-0.0", "1:30", "1e3",
    "y", "n", "Yes", "NO", "on", "off", "True", "~", "null", "Null", "nULL", "2024-01-01", "2024-01-01T00:00:00Z",
    "<<", "=", "'1'", '"true"', "!!str 5", "!!float 1", "!!int '3'", ".nan", "-.inf", "1e400", "12345678901234567890",
    "'2e-1'", "a b", "|\n    two\n    lines\n", ">-\n    folded\n    line\n", "é", "'\\x41'", '"\\x41"', "''",
)  # fmt: skip


@pytest.mark.parametrize("scalar", SCALARS)
def test_a_plain_scalar_means_to_us_what_it_means_to_the_server(server: Any, scalar: str) -> None:
    for field in ("seed: ", "domain: ", "suspend: ", "generation:\n    temperature: ", "takers:\n  - name: "):
        document = documents.minimal()
        if field.startswith("takers"):
            del document["spec"]["takers"]
        assert_agreed(server, f"{written(document)}  {field}{scalar}\n")


@pytest.mark.parametrize(
    ("name", "before", "edit"),
    [(name, *edits) for name, edits in documents.EDITS.items()],
    ids=list(documents.EDITS),
)
def test_the_server_refuses_an_edit_of_a_fixed_field(
    server: Any, name: str, before: documents.Patch, edit: documents.Patch
) -> None:
    status, answer = update(server, documents.patched({"metadata.name": f"edit-{name.lower()}", **before}), edit)
    assert status == 422
    assert f"{name} is fixed once a run exists" in answer["message"]


@pytest.mark.parametrize(("bucket", "accepted"), documents.STORAGE_EDITS)
def test_the_server_lets_a_store_move_while_its_artifacts_stay(
    server: Any, bucket: documents.Document, accepted: bool
) -> None:
    name = f"store-{documents.STORAGE_EDITS.index((bucket, accepted))}"
    old = documents.patched({"metadata.name": name, "spec.storage": {"type": "S3", "s3": documents.PLACE}})
    status, answer = update(server, old, {"spec.storage.s3": bucket})
    assert status == (200 if accepted else 422), answer.get("message")


@pytest.mark.parametrize("edit", documents.FREE_EDITS, ids=lambda edit: next(iter(edit)))
def test_the_server_lets_other_edits_pass(server: Any, edit: documents.Patch) -> None:
    name = "free-" + next(iter(edit)).rpartition(".")[2].lower()
    status, answer = update(server, documents.patched({"metadata.name": name}), edit)
    assert status == 200, answer["message"]


def test_writing_out_what_the_server_filled_in_is_no_edit(server: Any) -> None:
    edit = {"spec.seed": 0, "spec.generation": {"maxTokens": 512}, "spec.evaluation.final": {}, "spec.swarm": {}}
    status, answer = update(server, documents.patched({"metadata.name": "explicit"}), edit)
    assert status == 200, answer["message"]


def test_a_full_status_is_stored_and_read_back(server: Any) -> None:
    name = "with-status"
    assert server.call("POST", RUNS, documents.patched({"metadata.name": name}))[0] == 201
    condition = {"type": "Ready", "status": "True", "reason": "Succeeded", "message": "", "lastTransitionTime": "x"}
    status = {
        "phase": "Iterating",
        "best": {"value": 0.5, "particle": "p02", "recipe": "0" * 64},
        "gain": {"value": 1, "low": 0.25, "high": 2.5},
        "particles": [{"name": f"p{index}", "fitness": index / 64} for index in range(64)],
        "history": [{"iteration": index, "best": 0.5, "mean": 0.25} for index in range(20)],
        "conditions": [condition],
    }
    code, answer = server.call("PATCH", f"{RUNS}/{name}/status", {"status": status}, "application/merge-patch+json")
    assert code == 200, answer["message"]
    run = loading.parse_object(server.call("GET", f"{RUNS}/{name}")[1], "server")
    assert run.status is not None
    assert run.status.model_dump(mode="json", by_alias=True, exclude_unset=True) == status


def update(server: Any, document: documents.Document, edit: documents.Patch) -> tuple[int, Any]:
    """The server's response to an update of `document` to an edited one."""
    status, stored = server.call("POST", RUNS, document)
    assert status == 201, stored["message"]
    edited = documents.patched({**edit, "metadata.resourceVersion": stored["metadata"]["resourceVersion"]}, document)
    return server.call("PUT", f"{RUNS}/{document['metadata']['name']}", edited)
