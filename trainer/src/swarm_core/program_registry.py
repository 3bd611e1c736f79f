"""The registry of programs by kind: those of the catalog, and those that other distributions provide.

Another distribution provides a program by an entry point. A program is imported when it is first loaded, and this
module imports none. So the layers below the programs, which read and write custom resources, find the resource of a
kind and name no kind.

Limits: the installed programs are determined once per process. `clear_cache` is for tests. An entry point never
replaces a kind of the catalog.
"""

from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from swarm_core import catalog
from swarm_core.errors import BadInputError, ErrorCode, add_code

GROUP = "dataswarm.programs"
"""The group of entry points."""


def list_kinds() -> tuple[str, ...]:
    """Return every kind of run that is installed. Those of the catalog come first."""
    return (*catalog.PROGRAMS, *sorted(_find_plugins()))


@cache
def load(kind: str) -> Any:
    """Return the program of a kind (a `swarm_core.programs.program_protocol.Program`), imported now.

    Raises BadInputError if the kind is not installed or its program cannot be imported.
    """
    if kind in catalog.PROGRAMS:
        module, _, attribute = catalog.PROGRAMS[kind].partition(":")
        return getattr(import_module(module), attribute)
    entry = _find_plugins().get(kind)
    if entry is None:
        unknown = BadInputError(
            f"kind: {kind!r} is not an installed kind of run; a run begins with apiVersion and kind, and kind is one of"
            f" {', '.join(list_kinds())}; for another kind, install the distribution that provides it as"
            f" an entry point of {GROUP}"
        )
        raise add_code(unknown, ErrorCode.PLUGIN_NOT_FOUND)
    return _load_plugin(kind, entry)


def clear_cache() -> None:
    """Clear the caches, so that the next call looks for installed programs again."""
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
        raise BadInputError(f"kind: {kind} ({entry.value}) cannot be imported: {why}; fix its distribution") from error
    if program.kind != kind:
        raise BadInputError(
            f"kind: {entry.value} is the program of {program.kind}, not of {kind}; correct its entry point"
        )
    return program
