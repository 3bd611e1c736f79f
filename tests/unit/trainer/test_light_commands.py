"""Commands that load no model start without torch and its friends, which cost six seconds of processor time."""

import subprocess
import sys
from pathlib import Path

import pytest

LOCAL_FILE = Path(__file__).parent / "fake_run" / "swarmrun.yaml"
CLUSTER_FILE = Path(__file__).parents[1] / "operator" / "golden" / "local.yaml"
COMMAND = "from swarm_trainer import cli; code = cli.main(sys.argv[1:])"
MODULES = """
import swarm_trainer.maintenance.garbage_collection, swarm_trainer.maintenance.replay, swarm_operator.cli.why
import swarm_trainer.programs.adversarial_run.turn_rules, swarm_trainer.programs.swarm_run.turns
"""
CHECK = """
heavy = {"torch", "transformers", "peft", "sklearn", "scipy", "numpy", "matplotlib", "safetensors"} & set(sys.modules)
sys.exit(f"imports {sorted(heavy)}" if heavy else 0)
"""


def list_heavy(code: str, *arguments: str) -> str:
    """What a new process with this code says about its heavy modules. Empty if it has none."""
    call = [sys.executable, "-c", f"import sys\n{code}\n{CHECK}", *arguments]
    return subprocess.run(call, capture_output=True, text=True, check=False).stderr


def test_the_modules_of_verify_gc_and_why_are_light() -> None:
    assert list_heavy(MODULES) == ""


@pytest.mark.parametrize(("command", "file"), [("validate", LOCAL_FILE), ("render", CLUSTER_FILE)])
def test_a_command_on_a_file_is_light(command: str, file: Path) -> None:
    assert list_heavy(COMMAND, command, str(file)) == ""
