"""The chart as Helm renders it: its objects, its rights, and the values that it refuses."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import cluster_environment
import pytest
import score_file_program
import yaml

from swarm_core.api import crd, custom_resources

pytestmark = pytest.mark.long
ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "dataswarm"
RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
Objects = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def program() -> str:
    """Helm. Without it these tests are skipped. In CI they fail if the environment requires it."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    found = (shutil.which("helm", path=assets) if assets else None) or shutil.which("helm")
    if found is None and os.environ.get("CI") and assets:
        pytest.fail("no helm in KUBEBUILDER_ASSETS nor on PATH: CI runs no test suite without it")
    if found is None:
        pytest.skip("no helm: put it into the folder KUBEBUILDER_ASSETS or on PATH")
    return found


def helm(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=60)


def rendered(program: str, *values: str) -> Objects:
    """The chart's objects by kind and name."""
    sets = [word for value in values for word in ("--set", value)]
    done = helm(program, "template", "dataswarm", str(CHART), "--namespace", "ops", *sets)
    assert done.returncode == 0, done.stderr
    objects = [thing for thing in yaml.safe_load_all(done.stdout) if thing]
    return {(thing["kind"], f"{thing['metadata'].get('namespace', '')}/{thing['metadata']['name']}"): thing
            for thing in objects}  # fmt: skip


def container(objects: Objects) -> dict[str, Any]:
    found: dict[str, Any] = objects["Deployment", "ops/dataswarm"]["spec"]["template"]["spec"]["containers"][0]
    return found


def variables(objects: Objects) -> dict[str, str]:
    return {one["name"]: one["value"] for one in container(objects)["env"]}


def test_helm_finds_no_fault(program: str) -> None:
    done = helm(program, "lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("plural", ["swarmruns", "adversarialruns"])
def test_a_definition_is_the_committed_one_and_stays_when_the_chart_goes(program: str, plural: str) -> None:
    found = rendered(program)["CustomResourceDefinition", f"/{plural}.dataswarm.io"]
    assert found["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
    assert found == yaml.safe_load((ROOT / "crds" / f"dataswarm.io_{plural}.yaml").read_text())
    assert "CustomResourceDefinition" not in {kind for kind, _ in rendered(program, "crds.install=false")}


def test_the_operator_runs_as_nobody_on_a_root_that_it_cannot_write(program: str) -> None:
    objects = rendered(program)
    pod = objects["Deployment", "ops/dataswarm"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(objects)["securityContext"] == RESTRICTED
    assert container(objects)["resources"]["limits"]["memory"]
    assert {"startupProbe", "livenessProbe"} <= container(objects).keys()


def grants(rules: list[tuple[str, list[str], list[str]]]) -> dict[tuple[str, str], set[str]]:
    """The verbs by API group and resource."""
    granted: dict[tuple[str, str], set[str]] = {}
    for group, resources, verbs in rules:
        for resource in resources:
            granted.setdefault((group, resource), set()).update(verbs)
    return granted


def test_the_operator_may_do_what_it_does_and_nothing_else(program: str) -> None:
    """The operator of tests/cluster has RIGHTS and no others, and does all its work with them."""
    objects = rendered(program)
    rules = [*objects["ClusterRole", "/dataswarm"]["rules"], *objects["Role", "ops/dataswarm-lease"]["rules"]]
    found = grants([(rule["apiGroups"][0], rule["resources"], rule["verbs"]) for rule in rules])
    assert found == grants(cluster_environment.RIGHTS)


@pytest.mark.parametrize(("value", "written", "passed_on"), [("65532", 65532, "65532"), ("null", None, "0")])
def test_a_cluster_may_assign_the_user(program: str, value: str, written: int | None, passed_on: str) -> None:
    objects = rendered(program, f"userId={value}")
    context = objects["Deployment", "ops/dataswarm"]["spec"]["template"]["spec"]["securityContext"]
    assert [context.get(field) for field in ("runAsUser", "runAsGroup", "fsGroup")] == [written] * 3
    assert variables(objects)["DATASWARM_POD_USER_ID"] == passed_on


def test_one_more_file_is_one_more_kind_with_its_definition_and_its_rights(program: str, tmp_path: Path) -> None:
    """A distribution with a new kind of run only adds its CRD to the chart's files."""
    chart = tmp_path / "dataswarm"
    shutil.copytree(CHART, chart)
    with score_file_program.installed(tmp_path):
        text = crd.text(custom_resources.find_resource(score_file_program.KIND))
    (chart / "files" / "scorefiles.yaml").write_text(text)
    done = helm(program, "template", "dataswarm", str(chart), "--namespace", "ops")
    objects = [thing for thing in yaml.safe_load_all(done.stdout) if thing]
    definitions = [thing["metadata"]["name"] for thing in objects if thing["kind"] == "CustomResourceDefinition"]
    assert "scorefiles.dataswarm.io" in definitions
    granted = {thing["metadata"]["name"]: thing["rules"][:3] for thing in objects if thing["kind"] == "ClusterRole"}
    assert granted["dataswarm"][0]["resources"] == ["adversarialruns", "scorefiles", "swarmruns"]
    assert granted["dataswarm"][1]["resources"] == ["adversarialruns/status", "scorefiles/status", "swarmruns/status"]
    assert granted["dataswarm"][2]["resources"] == [
        "adversarialruns/finalizers", "scorefiles/finalizers", "swarmruns/finalizers",
    ]  # fmt: skip
    assert granted["dataswarm-view"][0]["resources"] == granted["dataswarm"][0]["resources"]


def test_with_a_list_of_namespaces_there_are_rights_in_these_alone(program: str) -> None:
    objects = rendered(program, "watchNamespaces={red,blue}", "rbac.aggregate=false")
    assert not [name for kind, name in objects if kind.startswith("ClusterRole")]
    assert {name for kind, name in objects if kind == "Role"} == {
        "red/dataswarm", "blue/dataswarm", "ops/dataswarm-lease",
    }  # fmt: skip
    assert variables(objects)["KOPF_RUN_NAMESPACES"] == "red blue"
    assert "KOPF_RUN_CLUSTERWIDE" not in variables(objects)
    assert variables(rendered(program))["KOPF_RUN_CLUSTERWIDE"] == "true"


def test_the_lease_that_the_operator_takes_is_the_one_it_has_a_right_to(program: str) -> None:
    objects = rendered(program)
    names = [rule.get("resourceNames") for rule in objects["Role", "ops/dataswarm-lease"]["rules"]]
    assert names == [None, [variables(objects)["DATASWARM_LEASE_NAME"]]]
    assert variables(objects)["DATASWARM_LEASE_NAMESPACE"] == "ops"


def test_settings_reach_the_operator_as_variables(program: str) -> None:
    assert variables(rendered(program, "settings.DATASWARM_WORKERS=8"))["DATASWARM_WORKERS"] == "8"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("replicas=two", "replicas"),
        ("image.operator=not an image", "operator"),
        ("watchNamespaces={Red}", "watchNamespaces"),
        ("settings.PATH=/tmp", "PATH"),
        ("no.such=1", "no"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(program: str, value: str, words: str) -> None:
    done = helm(program, "template", "dataswarm", str(CHART), "--set", value)
    assert done.returncode != 0
    assert words in done.stderr
