"""Installs the kind of run from the plug-in package of the tests, found by its entry point."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import plugin_package
import pytest

from swarm_core import program_registry

KIND = "ScoreFile"


@contextmanager
def installed(scratch: Path) -> Iterator[dict[str, str]]:
    """Install the kind for the duration of the context.

    Yields the environment that a child process needs to find it.
    """
    folder = str(plugin_package.install(scratch))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        program_registry.clear_cache()
        yield {**os.environ, "PYTHONPATH": folder}
    program_registry.clear_cache()


def document(**spec: Any) -> dict[str, Any]:
    """A ScoreFile."""
    return {
        "apiVersion": "dataswarm.io/v1alpha1",
        "kind": KIND,
        "metadata": {"name": "answers"},
        "spec": {"data": {"uri": "answers.jsonl"}, **spec},
    }
