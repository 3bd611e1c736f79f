"""Write, or check, the files that are generated from the models: for every kind of run a CRD and a schema for editors.

`python crds/generate.py --crds FOLDER --chart CHART [--check] [KIND ...]`

    FOLDER/dataswarm.io_PLURAL.yaml   the CustomResourceDefinition
    FOLDER/KIND.schema.json           the JSON schema for editors, the kind in lower case
    CHART/PLURAL.yaml                 the CustomResourceDefinition once more, for the chart

Without KIND: the kinds that come with dataswarm. A distribution that brings a kind names it, and a copy of the chart.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from swarm_core import catalog
from swarm_core.api import crd, custom_resources, schema


def list_files(kinds: Sequence[str], crds: Path, chart: Path) -> Iterator[tuple[Path, str]]:
    """Every generated file and its text. Raises BadInputError for a kind that is not installed."""
    for resource in map(custom_resources.find_resource, kinds):
        definition = crd.text(resource)
        yield crds / f"dataswarm.io_{resource.plural}.yaml", definition
        yield crds / f"{resource.kind.lower()}.schema.json", schema.text(resource.model)
        yield chart / f"{resource.plural}.yaml", definition


def find_stale(files: Iterator[tuple[Path, str]]) -> list[Path]:
    """The files that are missing or hold another text."""
    return [path for path, text in files if not path.is_file() or path.read_text(encoding="utf-8") != text]


def main(argv: Sequence[str] | None = None) -> int:
    """The command; 1 if `--check` finds a file that is not what the models say."""
    parser = argparse.ArgumentParser(prog="python crds/generate.py")
    parser.add_argument("--crds", type=Path, required=True)
    parser.add_argument("--chart", type=Path, required=True)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is stale")
    parser.add_argument("kinds", nargs="*", metavar="KIND", default=list(catalog.PROGRAMS))
    arguments = parser.parse_args(argv)
    files = list_files(arguments.kinds, arguments.crds, arguments.chart)
    if arguments.check:
        stale = find_stale(files)
        sys.stderr.writelines(f"{path} is not what the models say; run `make generate`\n" for path in stale)
        return int(bool(stale))
    for path, text in files:
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
