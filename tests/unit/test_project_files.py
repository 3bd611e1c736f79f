"""What the pages for contributors say is true: files, commands, versions and examples exist, and workflows parse.

A path in code is relative to the root of the project, a link is relative to its page. `name` in a path is a
placeholder: then its folder must exist.
"""

import ast
import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGES = ("CONTRIBUTING.md", "SECURITY.md", "docs/versioning.md")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
YAML_FILES = [ROOT / ".pre-commit-config.yaml", *sorted((ROOT / ".github").rglob("*.yml"))]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CHART = yaml.safe_load((ROOT / "charts" / "dataswarm" / "Chart.yaml").read_text())

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#:]+)\)")
TARGET = re.compile(r"\bmake ((?:[A-Z_]+=\S+ )*)([a-z][a-z-]*)")
NO_PATHS = ("dataswarm.io/", ".venv/", "../")
"""Beginnings of what has a slash and is no path of the project."""


def text(page: str) -> str:
    return (ROOT / page).read_text()


def prose(page: str) -> str:
    """The page without its blocks of code."""
    return FENCE.sub("", text(page))


def inline_code(page: str) -> list[str]:
    return CODE.findall(prose(page))


def blocks(page: str, language: str) -> list[str]:
    """The blocks of code in a language, without the indent of the list that they stand in."""
    found = []
    for name, block in FENCE.findall(text(page)):
        if name == language:
            indent = len(block) - len(block.lstrip(" "))
            found.append("\n".join(line[indent:] for line in block.splitlines()) + "\n")
    return found


def named_paths() -> Iterator[Any]:
    for page in PAGES:
        words = {word for code in inline_code(page) for word in code.split()}
        paths = {word for word in words if "/" in word and not word.startswith(NO_PATHS)}
        paths |= {word for word in words if re.fullmatch(r"[A-Za-z]+\.(md|toml)", word)}
        links = {str(Path(page).parent / link) for link in LINK.findall(prose(page))}
        yield from (pytest.param(path, id=f"{page}:{path}") for path in sorted(paths | links))


@pytest.mark.parametrize("path", list(named_paths()))
def test_a_path_that_a_page_names_exists(path: str) -> None:
    wanted = ROOT / path
    placeholder = [part for part in (wanted, *wanted.parents) if re.search(r"(^|_)name$", part.stem)]
    if placeholder:
        wanted = placeholder[-1].parent
    assert wanted.exists()


@pytest.mark.parametrize("page", [*PAGES, ".github/workflows/ci.yml", ".github/pull_request_template.md"])
def test_every_make_target_that_a_page_names_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", text("Makefile"), re.MULTILINE))
    found = "\n".join(inline_code(page) + [block for _, block in FENCE.findall(text(page))])
    named = {name for _, name in TARGET.findall(text(page) if page.endswith(".yml") else found)}
    assert named <= targets


@pytest.mark.parametrize("page", PAGES)
def test_no_code_in_a_page_runs_over_the_end_of_a_line(page: str) -> None:
    assert [line for line in prose(page).splitlines() if line.count("`") % 2] == []


def test_contributing_names_the_targets_that_a_contributor_needs() -> None:
    for target in ("setup", "test", "test-all", "lint", "generate", "fresh", "vllm", "test-cluster"):
        assert f"make {target}" in text("CONTRIBUTING.md")


def test_the_tables_of_the_catalog_that_contributing_names_exist() -> None:
    catalog = importlib.import_module("swarm_core.catalog")
    tables = set(re.findall(r"`([A-Z]+)`\s+in\s+`trainer/src/swarm_core/catalog\.py`", text("CONTRIBUTING.md")))
    assert tables == {"OBJECTIVES", "VERIFIERS", "JUDGES", "GATES", "RIVALS", "OPTIMIZERS", "PROGRAMS"}
    assert {table for table in tables if not hasattr(catalog, table)} == set()


@pytest.mark.parametrize("block", blocks("CONTRIBUTING.md", "python"))
def test_an_example_in_python_parses_and_imports_what_exists(block: str) -> None:
    imports = [node for node in ast.parse(block).body if isinstance(node, ast.ImportFrom)]
    assert imports
    for node in imports:
        module = importlib.import_module(str(node.module))
        assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


@pytest.mark.parametrize("page", PAGES)
def test_the_other_examples_parse(page: str) -> None:
    assert all(tomllib.loads(block) for block in blocks(page, "toml"))
    assert all(yaml.safe_load(block) for block in blocks(page, "yaml"))


@pytest.mark.parametrize("path", YAML_FILES, ids=lambda path: path.name)
def test_a_yaml_file_of_the_project_parses(path: Path) -> None:
    assert isinstance(yaml.safe_load(path.read_text()), dict)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_grants_rights_by_job_and_every_job_ends(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert "write-all" not in str(job["permissions"])
        assert job["timeout-minutes"] <= 90


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_pins_every_action_to_a_full_version(path: Path) -> None:
    used = re.findall(r"uses: (\S+)", path.read_text())
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w./-]+@v\d+\.\d+\.\d+", action)] == []


def test_no_hook_is_fetched_from_elsewhere() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert {one["repo"] for one in hooks["repos"]} == {"local"}


def test_the_package_the_chart_and_the_images_have_one_version() -> None:
    version = PROJECT["version"]
    images = yaml.safe_load(text("charts/dataswarm/values.yaml"))["image"]
    tags = {images[name].rpartition(":")[2] for name in ("operator", "trainer", "server")}
    assert {CHART["version"], CHART["appVersion"], *tags} == {version}
    assert f"\nTAG ?= {version}\n" in text("Makefile")


def test_the_page_on_versions_states_the_versions_of_the_project() -> None:
    page = text("docs/versioning.md")
    wanted = {one.partition("==")[0]: one for extra in ("trainer", "vllm") for one in extras(extra)}
    for name, shown in (("torch", "torch"), ("vllm", "vLLM")):
        assert f"| {shown} | {wanted[name].partition('==')[2]} exactly |" in page
    prefix = "Programming Language :: Python :: "
    pythons = [one.removeprefix(prefix) for one in PROJECT["classifiers"] if one.startswith(prefix)]
    assert f"| Python | {', '.join(pythons)} |" in page
    assert PROJECT["requires-python"] == f">={pythons[0]}"
    assert f"| Kubernetes | {re.findall(r'[0-9]+[.][0-9]+', CHART['kubeVersion'])[0]} or later |" in page
    assert "transformers>=5.16.1,<5.20" in wanted
    assert "| transformers | 5.16.1 or later, before 5.20 |" in page
    assert "peft>=0.21,<0.22" in wanted
    assert "| peft | 0.21 |" in page


def extras(name: str) -> list[str]:
    found: list[str] = PROJECT["optional-dependencies"][name]
    return found


def test_the_workflows_test_every_python_that_the_project_names() -> None:
    pythons = {one.rpartition(" ")[2] for one in PROJECT["classifiers"] if ":: Python ::" in one}
    for path in WORKFLOWS:
        assert set(yaml.safe_load(path.read_text())["jobs"]["test"]["strategy"]["matrix"]["python"]) == pythons


@pytest.mark.parametrize(
    "package", ["trainer/src/swarm_core", "trainer/src/swarm_trainer", "operator/src/swarm_operator"]
)
def test_a_package_says_that_it_has_types(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()
