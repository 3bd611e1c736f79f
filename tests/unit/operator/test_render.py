"""The rendered children of a run: the golden files, and the command that prints them."""

from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import yaml

from swarm_operator.cli import render
from swarm_trainer.cli import parser

GOLDEN = Path(__file__).with_name("golden")
ROOT = Path(__file__).parents[3]


def children(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(render.render_run((GOLDEN / f"{name}.yaml").read_text(), name)))


@pytest.mark.parametrize("name", ["local", "servers", "game"])
def test_the_children_of_a_run_are_the_golden_ones(name: str) -> None:
    """`make generate` writes the golden files."""
    text = render.render_run((GOLDEN / f"{name}.yaml").read_text(), name)
    assert text == (GOLDEN / f"{name}.children.yaml").read_text()


def test_every_pod_is_restricted_and_has_no_token_of_the_api_server() -> None:
    templates = [one["spec"]["template"]["spec"] for one in children("servers") if "template" in one.get("spec", {})]
    assert len(templates) == 5
    for pod in templates:
        (container,) = pod["containers"]
        assert not pod["automountServiceAccountToken"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_no_manifest_holds_a_secret_and_ours_cannot_be_replaced() -> None:
    (secret,) = [one for one in children("servers") if one["kind"] == "Secret"]
    assert secret["stringData"] == {"key": "GENERATED"}
    for one in children("servers"):
        for variable in (
            one.get("spec", {}).get("template", {}).get("spec", {"containers": [{}]})["containers"][0].get("env", ())
        ):
            secret_name = any(word in variable["name"] for word in ("KEY", "TOKEN"))
            assert secret_name == ("valueFrom" in variable)
            assert variable["name"] != "HOME" or variable["value"] == "/tmp"


def test_names_fit_and_are_of_this_run_alone() -> None:
    found = [one["metadata"]["name"] for one in children("servers")]
    assert all(len(name) <= 63 - len("-63") for name in found)
    assert len({name[:33] for name in found}) == 1


def test_what_deletes_the_results_is_among_the_children_where_that_is_asked_for() -> None:
    text = (GOLDEN / "local.yaml").read_text() + "  deletionPolicy: Purge\n"
    plain, purged = (render.render_run(one, "local") for one in ((GOLDEN / "local.yaml").read_text(), text))
    (job,) = yaml.safe_load_all(purged.removeprefix(plain))
    assert job["metadata"]["name"].endswith("-purge")
    assert purged.startswith(plain)


def test_the_command_prints_children_and_peak(capsys: pytest.CaptureFixture[str]) -> None:
    assert render.main([str(GOLDEN / "servers.yaml")]) == 0
    assert "# Peak of nvidia.com/gpu: 8 of 8 (searching with 8)." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "words"), [("[", "not valid YAML"), ("a: b", "not a run"), ("kind: x\nmetadata: {}", "apiVersion")]
)
def test_the_command_refuses_what_is_no_run(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.yaml").write_text(text)
    assert render.main([str(tmp_path / "run.yaml")]) == 2
    assert words in capsys.readouterr().err
    assert render.main([str(tmp_path / "none.yaml")]) == 2


def test_the_command_line_takes_up_a_command_it_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    told = (ROOT / "pyproject.toml").read_text().partition('[project.entry-points."dataswarm.commands"]\n')[2]
    name, _, value = told.splitlines()[0].partition(" = ")
    commands = parser.argparse.ArgumentParser()
    parser.add_plugin_commands(
        commands.add_subparsers(), [EntryPoint(name, value.strip('"'), parser.COMMAND_ENTRY_POINTS)]
    )
    arguments = commands.parse_args([name, str(GOLDEN / "local.yaml")])
    assert arguments.command(arguments) == 0
    assert "least: 24 Jobs at most" in capsys.readouterr().out
