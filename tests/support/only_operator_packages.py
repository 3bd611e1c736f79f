"""Runs commands with the packages of the extra `operator` alone: no other installed distribution can be imported.

python only_operator_packages.py COMMAND...
"""

import importlib.abc
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def find_closure() -> set[str]:
    """The distributions that `pip install 'dataswarm[operator]'` installs, by their normalized names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    waiting = [*project["dependencies"], *project["optional-dependencies"]["operator"]]
    found: set[str] = set()
    while waiting:
        wanted = Requirement(waiting.pop())
        if wanted.marker is not None and not any(
            wanted.marker.evaluate({"extra": extra}) for extra in (wanted.extras or {""})
        ):
            continue
        name = normalize(wanted.name)
        if name in found:
            continue
        found.add(name)
        try:
            waiting += requires(wanted.name) or []
        except PackageNotFoundError:
            found.discard(name)
    return found


def normalize(name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower()


class Blocker(importlib.abc.MetaPathFinder):
    """Refuses to import every other package."""

    def __init__(self, closure: set[str]) -> None:
        self.refused = {
            package
            for package, owners in packages_distributions().items()
            if not closure & {normalize(owner) for owner in owners} and not package.startswith("swarm_")
        }

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] in self.refused:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])


if __name__ == "__main__":
    sys.meta_path.insert(0, Blocker(find_closure()))
    from swarm_trainer import cli

    sys.exit(cli.main(sys.argv[1:]))
