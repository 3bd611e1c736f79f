"""The pages about clusters agree with each other and with the examples."""

import re
from pathlib import Path

import pytest
import yaml

from swarm_operator.common import cluster_run

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").rglob("cluster*.yaml"))
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "charts" / "dataswarm" / "templates" / "NOTES.txt",
    *EXAMPLES,
]
FENCE = "```"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_a_cluster_takes_every_example(example: Path) -> None:
    document = yaml.safe_load(example.read_text())
    document["metadata"]["uid"] = "u"
    assert cluster_run.parse(document, cluster_run.ChartDefaults()).trainer_image


def find_commands(page: str) -> list[list[str]]:
    """The blocks of a page that install the chart, by their lines."""
    blocks = (ROOT / page).read_text().split(FENCE)[1::2]
    return [block.strip().splitlines() for block in blocks if "helm install" in block]


def secret_of(example: Path) -> str:
    return str(yaml.safe_load(example.read_text())["spec"]["storage"]["s3"]["credentialsSecretRef"]["name"])


def test_the_readme_and_the_cluster_guide_have_the_same_commands() -> None:
    assert find_commands("README.md") == find_commands("docs/cluster.md")
    assert len(find_commands("README.md")) == 1


def test_every_step_to_a_result_stands_there_in_order() -> None:
    (commands,) = find_commands("README.md")
    steps = ["helm install", "aws s3 mb", "aws s3 mb", "aws s3 cp", "kubectl create secret", "kubectl apply"]
    steps += ["dataswarm watch", "dataswarm result"]
    assert [step for command, step in zip(commands, steps, strict=True) if not command.startswith(step)] == []


def test_what_the_run_reads_is_what_the_commands_make() -> None:
    (commands,) = find_commands("README.md")
    text = "\n".join(commands)
    (file,) = re.findall(r"kubectl apply -f (\S+)", text)
    run = yaml.safe_load((ROOT / file).read_text())
    made = set(re.findall(r"aws s3 mb s3://(\S+)", text))
    folder, target = re.findall(r"aws s3 cp --recursive (\S+) (\S+)", text)[0]
    used = re.findall(r"s3://[^\s,}]+", (ROOT / file).read_text().partition("spec:")[2])
    assert {uri.split("/")[2] for uri in used} | {run["spec"]["storage"]["s3"]["bucket"]} == made
    assert [uri for uri in used if not (ROOT / uri.replace(target, folder)).exists()] == []
    assert f"dataswarm watch {run['metadata']['name']}" in commands
    assert f"secret generic {secret_of(ROOT / file)} " in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_secret_with_the_key_of_the_bucket_has_one_name(page: Path) -> None:
    named = re.findall(r"create secret generic (\S+)", page.read_text())
    named += re.findall(r"credentialsSecretRef: \{name: ([^}]+)\}", page.read_text())
    assert set(named) <= {secret_of(EXAMPLES[0])}
