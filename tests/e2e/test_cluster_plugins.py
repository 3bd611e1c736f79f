"""Plug-ins on a real cluster: used where the trainer's image has them, refused by name where it has not.

How to make the image that `DATASWARM_E2E_PLUGIN_IMAGE` names is said in `tests/plugin_package/README.md`.
"""

import json
import os
from pathlib import Path
from typing import Any

import e2e_cluster
import plugin_package
import pytest
import swarmruns
from command_line import ARENA
from e2e_cluster import Cluster, Object

from swarm_trainer.run_store import pins

pytestmark = [pytest.mark.e2e_cluster, pytest.mark.timeout(3600)]
PLUGGED: dict[str, Any] = {
    "objective": {"type": "Plugin", "plugin": {"name": "unanimous-failure", "config": {"threshold": 0.5}}},
    "judge": {
        "type": "Verifier",
        "verifier": {"type": "Plugin", "plugin": {"name": "residue", "config": {"modulus": 2}}},
    },
    "gates": [{"type": "Plugin", "plugin": {"name": "max-characters", "config": {"most": 5}}}],
}


def document(cluster: Cluster, name: str, **kubernetes: Any) -> Object:
    """The short run with plug-ins."""
    file = ARENA / "short.yaml"
    run = swarmruns.document(file, name, cluster.endpoint, inference="Local", maxAccelerators=0, **kubernetes)
    run["spec"] |= PLUGGED
    run["spec"]["swarm"]["iterations"] = 1
    return run


def test_a_plug_in_that_the_image_lacks_is_refused_by_name_while_preparing(cluster: Cluster) -> None:
    cluster.apply(document(cluster, "unplugged"))
    found = swarmruns.await_status(
        cluster, "unplugged", lambda found: found.get("phase") == "Failed", swarmruns.RUN_SECONDS
    )
    assert "spec.objective: objective 'unanimous-failure' is unknown" in found["message"]


def test_a_run_uses_the_plug_ins_of_its_image_and_pins_them(cluster: Cluster, tmp_path: Path) -> None:
    e2e_cluster.require_variable("DATASWARM_E2E_PLUGIN_IMAGE", "it names an image with the plug-ins of the tests")
    image = {"trainer": os.environ["DATASWARM_E2E_PLUGIN_IMAGE"]}
    cluster.apply(document(cluster, "plugged", image=image))
    swarmruns.await_status(cluster, "plugged", swarmruns.has_succeeded, swarmruns.RUN_SECONDS)
    identity = json.loads(swarmruns.open_store(cluster, "plugged", tmp_path).read(pins.IDENTITY_KEY) or b"")
    assert identity["parts"]["spec.judge.verifier"] == {
        "name": "residue",
        "distribution": plugin_package.DISTRIBUTION,
        "version": plugin_package.VERSION,
        "config": {"modulus": 2},
    }
    swarmruns.purge(cluster, "plugged", tmp_path)
