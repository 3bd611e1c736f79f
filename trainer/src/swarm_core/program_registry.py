"""The programs by their kind: those of the catalog, and those that other distributions bring as entry points.

A program is imported when it is first asked for; nothing is imported here. So the layers below programs, which read and
write what users write, find the resource of a kind without knowing any kind of run.

Limits: what is installed is found out once per process (`clear_cache` is for tests). A kind of the catalog is never hidden
by an entry point of the same name.
"""

from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from swarm_core import catalog
from swarm_core.errors import BadInputError

GROUP = "dataswarm.programs"
"""The group of entry points."""


def list_kinds() -> tuple[str, ...]:
    """Every kind of run that is installed, those of the catalog first."""
    return (*catalog.PROGRAMS, *sorted(_find_plugins()))


@cache
def load(kind: str) -> Any:
    """The program of a kind (a `swarm_core.programs.program_protocol.Program`), imported now.

    Raises BadInputError for a kind that is not installed, or whose program cannot be imported.
    """
    if kind in catalog.PROGRAMS:
        module, _, attribute = catalog.PROGRAMS[kind].partition(":")
        return getattr(import_module(module), attribute)
    entry = _find_plugins().get(kind)
    if entry is None:
        raise BadInputError(
            f"kind: {kind!r} is no kind of run; a run begins with apiVersion and kind, one of"
            f" {', '.join(list_kinds())}; another kind needs the distribution that brings it as an entry point of"
            f" {GROUP}"
        )
    return _load_plugin(kind, entry)


def clear_cache() -> None:
    """Look again at what is installed."""
    load.cache_clear()
    _find_plugins.cache_clear()


@cache
def _find_plugins() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP) if entry.name not in catalog.PROGRAMS}


def _load_plugin(kind: str, entry: EntryPoint) -> Any:
    try:
        program = entry.load()
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise BadInputError(f"kind: {kind} ({entry.value}) cannot be imported: {why}; repair it") from error
    if program.kind != kind:
        raise BadInputError(f"kind: {entry.value} is program {program.kind}, not {kind}; correct its entry point")
    return program
