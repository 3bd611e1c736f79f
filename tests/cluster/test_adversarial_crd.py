"""A real API server accepts the CRD of an AdversarialRun and validates documents as the models do."""

from pathlib import Path
from typing import Any

import adversarial_documents as documents
import cluster_environment
import pytest
import yaml
from rule_example import Example

from swarm_core.api import loading, resolution

pytestmark = pytest.mark.cluster
GAME = Path(__file__).parents[2] / "examples" / "adversarial" / "run.yaml"
YAML = "application/yaml"
RUNS = "/apis/dataswarm.io/v1alpha1/namespaces/default/adversarialruns"


@pytest.fixture(scope="module")
def server(api_server: Any) -> Any:
    """The API server with the committed CRD established."""
    cluster_environment.await_crds(api_server)
    return api_server


def create(server: Any, text: str) -> tuple[int, Any]:
    """The server's response to a dry-run create."""
    answer: tuple[int, Any] = server.call("POST", f"{RUNS}?dryRun=All", text, YAML)
    return answer


def test_the_example_is_stored_as_the_experiment_that_it_is_on_one_machine(server: Any) -> None:
    text = yaml.safe_dump(yaml.safe_load(GAME.read_text()))
    status, answer = create(server, text)
    assert status == 201, answer
    stored = resolution.resolve_run(loading.parse_object(answer, "server"))
    assert resolution.spec_digest(stored) == resolution.spec_digest(
        resolution.resolve_run(loading.parse(text, "run.yaml"))
    )


@pytest.mark.parametrize("example", documents.EXAMPLES, ids=lambda example: example.message.split(";")[0])
def test_the_server_refuses_what_the_models_refuse(server: Any, example: Example) -> None:
    assert create(server, yaml.safe_dump(documents.patched(example.accept)))[0] == 201
    status, answer = create(server, yaml.safe_dump(documents.patched(example.reject)))
    assert status == 422
    assert example.message in answer["message"]
