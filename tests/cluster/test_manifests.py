"""A real API server takes every child of a run, in a namespace that enforces PodSecurity `restricted`."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from swarm_operator import render

pytestmark = pytest.mark.cluster
GOLDEN = Path(__file__).parents[1] / "unit" / "operator" / "golden"
PLACES = {
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "Service": "/api/v1/namespaces/{}/services",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims",
    "Job": "/apis/batch/v1/namespaces/{}/jobs",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "Pod": "/api/v1/namespaces/{}/pods",
}
ADMITTED = ("priorityClassName", "runtimeClassName")
"""Names of a pod that must be of objects that exist."""


@pytest.fixture(scope="module")
def server(api_server: Any) -> Any:
    labels = {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted"}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team", "labels": labels}}
    status, answer = api_server.call("POST", "/api/v1/namespaces", space)
    assert status in (201, 409), answer
    return api_server


def children(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(render.rendered((GOLDEN / f"{name}.yaml").read_text(), name)))


def pods(name: str) -> list[dict[str, Any]]:
    """The pods of the templates in the children, as their controllers would make them."""
    found = []
    for child in children(name):
        if "template" in child.get("spec", {}):
            template = json.loads(json.dumps(child["spec"]["template"]))
            spec = {key: part for key, part in template["spec"].items() if key not in ADMITTED}
            about = {**template["metadata"], "name": child["metadata"]["name"], "namespace": "team"}
            found.append({"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec})
    return found


THINGS = [thing for name in ("local", "servers") for thing in children(name) + pods(name)]


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: f"{thing['kind']} {thing['metadata']['name']}")
def test_a_child_is_taken_as_it_is(server: Any, thing: dict[str, Any]) -> None:
    place = PLACES[thing["kind"]].format("team")
    status, answer = server.call("POST", f"{place}?dryRun=All&fieldValidation=Strict", thing)
    assert status == 201, answer["message"]
    kept = answer["spec"] if thing["kind"] == "Job" else {}
    assert kept.get("podReplacementPolicy", "Failed") == "Failed"
