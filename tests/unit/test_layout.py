"""The folder called `operator/` shadows nothing, and the packages stand on their own feet."""

import importlib
import operator
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [*ROOT.glob("operator/src/**/*.py"), *ROOT.glob("trainer/src/**/*.py")]


def test_the_standard_librarys_operator_is_the_one_imported() -> None:
    assert Path(operator.__file__ or "").parent == Path(importlib.import_module("string").__file__ or "").parent


def test_no_package_marker_stands_in_operator_or_under_tests() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_no_module_is_named_after_one_of_the_standard_library() -> None:
    packages = [path for path in (*ROOT.glob("operator/src/*"), *ROOT.glob("trainer/src/*")) if path.is_dir()]
    assert len(packages) == 3
    assert not {package.name for package in packages} & sys.stdlib_module_names
    clashes = {path for path in SOURCES if path.stem in sys.stdlib_module_names}
    assert not clashes


@pytest.mark.parametrize("package", ["swarm_core", "swarm_trainer", "swarm_operator"])
def test_a_package_imports_from_an_empty_folder(package: str, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-P", "-c", f"import {package}"], cwd=tmp_path, check=True)


def test_the_core_and_the_operator_load_no_torch() -> None:
    code = (
        "import sys, pkgutil, importlib, swarm_core, swarm_operator\n"
        "for package in (swarm_core, swarm_operator):\n"
        "    for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        importlib.import_module(module.name)\n"
        "heavy = {'torch', 'transformers', 'numpy', 'boto3'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd="/")


def test_every_module_opens_with_its_promise() -> None:
    silent = [path for path in SOURCES if path.read_text() and not path.read_text().lstrip().startswith('"""')]
    assert not silent
