"""The modules and memory of the operator, and its settings."""

import json
import subprocess
import sys

import pytest

from swarm_operator import settings
from swarm_operator.api_client import resources

LOOK = """
import json, sys
import swarm_operator.main
with open("/proc/self/status") as lines:
    resident = next(line for line in lines if line.startswith("VmRSS"))
print(json.dumps([int(resident.split()[1]) / 1024, sorted(sys.modules)]))
"""
MOST_MEGABYTES = 90
HEAVY = ("torch", "numpy", "boto3", "botocore", "transformers", "swarm_trainer")


@pytest.fixture(scope="module")
def loaded() -> tuple[float, list[str]]:
    """Megabytes and modules of a process that has imported the operator."""
    if sys.platform != "linux":
        pytest.skip("/proc is Linux's")
    answer = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    resident, modules = json.loads(answer.stdout)
    return resident, modules


def test_the_operator_is_small(loaded: tuple[float, list[str]]) -> None:
    assert loaded[0] < MOST_MEGABYTES


def test_the_clients_classes_for_every_kind_are_not_loaded(loaded: tuple[float, list[str]]) -> None:
    models = [name for name in loaded[1] if ".client.models." in name or ".client.api." in name]
    assert len(models) < 10, models


def test_neither_torch_nor_a_store_is_loaded(loaded: tuple[float, list[str]]) -> None:
    assert not [name for name in loaded[1] if name.split(".")[0] in HEAVY]


def test_settings_come_from_the_environment() -> None:
    told = {
        "DATASWARM_LEASE_SECONDS": "30",
        "DATASWARM_WORKERS": "8",
        "DATASWARM_TRAINER_IMAGE": "registry/trainer:1",
        "DATASWARM_LEASE_NAMESPACE": "ops",
        "KOPF_RUN_NAMESPACES": "a b",
    }
    found = settings.from_environment(told)
    assert (found.lease.seconds, found.lease.namespace, found.workers) == (30.0, "ops", 8)
    assert (found.trainer_image, found.namespaces) == ("registry/trainer:1", ("a", "b"))


@pytest.mark.parametrize(
    ("name", "value"),
    [("DATASWARM_WORKERS", "many"), ("DATASWARM_LEASE_RENEW_SECONDS", "9"), ("DATASWARM_BURST", "1.5")],
)
def test_settings_that_cannot_work_are_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        settings.from_environment({name: value})


def test_every_process_has_a_name_of_its_own() -> None:
    assert settings.Settings().identity != settings.Settings().identity


def test_paths_are_those_of_the_api_and_nothing_in_a_name_leaves_them() -> None:
    assert resources.find_resource("Pod").path("a") == "/api/v1/namespaces/a/pods"
    assert resources.find_resource("Job").path(None) == "/apis/batch/v1/jobs"
    assert (
        resources.find_resource("SwarmRun").path("a", "b", "status")
        == "/apis/dataswarm.io/v1alpha1/namespaces/a/swarmruns/b/status"
    )
    assert resources.find_resource("Secret").path("../x", "a/b?c") == "/api/v1/namespaces/..%2Fx/secrets/a%2Fb%3Fc"
