"""The kind of run that the tests plug in: found by an entry point, as any distribution brings one.

Where the package of plug-ins is not installed, its folder and the metadata of an installed distribution are put on the
path, so whatever looks for entry points finds it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from swarm_core import program_registry

SOURCE = Path(__file__).parents[1] / "plugin_package" / "src"
KIND = "ScoreFile"
ENTRY_POINT = f"[{program_registry.GROUP}]\n{KIND} = dataswarm_testing.programs.score_file.program:PROGRAM\n"


@contextmanager
def installed(folder: Path) -> Iterator[dict[str, str]]:
    """The kind is installed while this lasts; the environment that a child process needs to find it, too."""
    metadata = folder / "site" / "dataswarm_score_file-1.0.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: dataswarm-score-file\nVersion: 1.0.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINT)
    paths = [str(SOURCE), str(metadata.parent)]
    with pytest.MonkeyPatch.context() as patch:
        for path in paths:
            patch.syspath_prepend(path)
        program_registry.forget()
        yield {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    program_registry.forget()


def document(**spec: Any) -> dict[str, Any]:
    """A ScoreFile."""
    return {
        "apiVersion": "dataswarm.io/v1alpha1",
        "kind": KIND,
        "metadata": {"name": "answers"},
        "spec": {"data": {"uri": "answers.jsonl"}, **spec},
    }
