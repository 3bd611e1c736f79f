"""What each extra installs is enough for its commands."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from control_plane import free_ports

ROOT = Path(__file__).parents[3]
ALONE = (sys.executable, str(ROOT / "tests" / "support" / "only_operator_packages.py"))
RUN_FILE = str(ROOT / "tests" / "unit" / "operator" / "golden" / "local.yaml")
UNREACHABLE = "check whether `kubectl get swarm` works"
COMMANDS = [
    (("render", RUN_FILE), 0, "kind: Job"),
    (("why", "a-run"), 2, UNREACHABLE),
    (("watch", "a-run"), 2, UNREACHABLE),
    (("result", "a-run"), 2, UNREACHABLE),
    (("result", "a-run", "--namespace", "team"), 2, UNREACHABLE),
    (("--help",), 0, "explain the state of a run"),
]
"""Commands for runs on a cluster, with their exit codes and words where no cluster answers."""
QUICK = COMMANDS[:2]
"""Each starts a process, so the quick tests have two of them."""


def kubeconfig(folder: Path) -> Path:
    """A kubeconfig whose cluster does not answer."""
    path = folder / "kubeconfig"
    path.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
        f"clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{free_ports(1)[0]}'}}}}]\n"
        "users: [{name: u, user: {token: t}}]\n"
    )
    return path


def answer(command: tuple[str, ...], arguments: tuple[str, ...], folder: Path) -> tuple[int, str]:
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig(folder))}
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, check=False, env=environment, cwd=folder, timeout=120
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [pytest.param(*one, id=one[0][0], marks=() if one in QUICK else pytest.mark.long) for one in COMMANDS],
)
def test_the_extra_operator_is_enough_for_runs_on_a_cluster(
    arguments: tuple[str, ...], code: int, words: str, tmp_path: Path
) -> None:
    found, text = answer(ALONE, arguments, tmp_path)
    assert (found, words in text) == (code, True), text


@pytest.mark.parametrize("arguments", [("run", RUN_FILE), ("validate", RUN_FILE), ("verify", "s3://swarms/a-run")])
def test_a_command_that_needs_more_says_what_to_install(arguments: tuple[str, ...], tmp_path: Path) -> None:
    found, text = answer(ALONE, arguments, tmp_path)
    assert found == 2
    assert "run: pip install 'dataswarm[trainer]'" in text
    assert "Traceback" not in text


@pytest.mark.long
@pytest.mark.timeout(900)
def test_an_environment_with_the_extra_operator_alone_serves_whoever_is_on_call(tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    programs = tmp_path / "env" / "bin"
    install = [str(programs / "python"), "-m", "pip", "install", "--quiet", f"{ROOT}[operator]"]
    subprocess.run(install, check=True, capture_output=True, timeout=800)
    for arguments, code, words in COMMANDS:
        found, text = answer((str(programs / "dataswarm"),), arguments, tmp_path)
        assert (found, words in text) == (code, True), text
