"""Parts by name: a built-in of the catalog, or a plug-in that another distribution brings as an entry point.

A plug-in is an entry point of `dataswarm.objectives`, `dataswarm.verifiers`, `dataswarm.judges` or `dataswarm.gates`.
It names a factory: a callable that takes the plug-in's `config` (a mapping, as the spec has it) and returns the part.
A factory refuses a config with `BadInputError`. Nothing is imported before it is asked for by name.

An origin is what pins a part in the experiment's digest: of a built-in its `revision`, which is raised when its results
change; of a plug-in its distribution and version.

Limits: a plug-in runs in the process of the worker, with its rights. The version is what the distribution says of
itself: one whose code changes under the same version is not noticed.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from swarm_core import catalog
from swarm_core.errors import BadInputError

PREFIX = "dataswarm."
"""Of the entry points' groups."""
MEMBERS: Mapping[str, tuple[str, ...]] = {
    "objectives": ("needs", "range", "value"),
    "verifiers": ("refusal", "requests", "score"),
    "judges": ("refusal", "requests", "score"),
    "gates": ("name", "requests", "refusal"),
}
"""What a part of each group has (`swarm_core.ports`, `swarm_core.objectives.objective`)."""
HOW_TO_INSTALL = (
    "install the distribution that brings it beside dataswarm; in a cluster, name an image that has it in"
    " spec.execution.kubernetes.image.trainer"
)

Factory = Callable[[Mapping[str, object]], Any]
"""Makes a part from its config."""


class PluginNotFoundError(BadInputError):
    """Nothing that is installed has this name in this group."""


@dataclass(frozen=True, slots=True)
class BuiltInOrigin:
    """A part that came with dataswarm."""

    name: str
    revision: int


@dataclass(frozen=True, slots=True)
class PluginOrigin:
    """A part that another distribution brought."""

    name: str
    distribution: str
    version: str


Origin = BuiltInOrigin | PluginOrigin


def load_factory(group: str, name: str) -> Factory:
    """The factory of the part `name`, imported now.

    Raises PluginNotFoundError if nothing has this name, BadInputError if its module cannot be imported.
    """
    if name in catalog.GROUPS[group]:
        factory: Factory = load_built_in(group, name).from_config
        return factory
    entry = find_entry_point(group, name)
    try:
        loaded: Factory = entry.load()
    except Exception as error:
        raise BadInputError(
            f"{describe_plugin(entry)} cannot be imported: {describe_error(error)}; repair it"
        ) from error
    return loaded


def load_built_in(group: str, name: str) -> Any:
    """The class of a built-in."""
    module, _, attribute = catalog.GROUPS[group][name].partition(":")
    return getattr(import_module(module), attribute)


def build_part(group: str, name: str, config: Mapping[str, object]) -> Any:
    """The part `name`, made from `config`.

    Raises PluginNotFoundError, and BadInputError where the factory refuses the config or makes something else.
    """
    factory = load_factory(group, name)
    if name in catalog.GROUPS[group]:
        return factory(config)
    entry = find_entry_point(group, name)
    try:
        part = factory(deepcopy(config))  # a plug-in may change its own copy, never the spec
    except BadInputError as error:
        raise BadInputError(f"{describe_plugin(entry)} refuses its config: {error}") from error
    except Exception as error:
        raise BadInputError(
            f"{describe_plugin(entry)} cannot be made from its config: {describe_error(error)}; correct one of the two"
        ) from error
    check_members(entry, part, MEMBERS[group])
    return part


def check_members(entry: EntryPoint, part: object, members: tuple[str, ...]) -> None:
    """Pass if `part`, made by a plug-in, has what its group's port asks for. Raises BadInputError."""
    missing = [member for member in members if not hasattr(part, member)]
    if missing:
        raise BadInputError(
            f"{describe_plugin(entry)} makes a {type(part).__name__} without {', '.join(missing)}; a part of"
            f" {entry.group} has {', '.join(members)}"
        )


def find_origin(group: str, name: str) -> Origin:
    """Where the part `name` comes from. Raises PluginNotFoundError."""
    if name in catalog.GROUPS[group]:
        return BuiltInOrigin(name, load_built_in(group, name).revision)
    entry = find_entry_point(group, name)
    assert entry.dist is not None  # as `entry_points` found it
    return PluginOrigin(name, entry.dist.name, entry.dist.version)


def list_prompts(group: str, name: str) -> Mapping[str, object]:
    """The prompt templates of a built-in by their names, if its class lists any as `prompts`.

    Those of a plug-in are part of its version.
    """
    return getattr(load_built_in(group, name), "prompts", {}) if name in catalog.GROUPS[group] else {}


def find_entry_point(group: str, name: str) -> EntryPoint:
    """The one entry point of this name.

    Raises PluginNotFoundError, and BadInputError where several distributions have it.
    """
    found = list(entry_points(group=PREFIX + group, name=name))
    if not found:
        raise PluginNotFoundError(
            f"{group.removesuffix('s')} {name!r} is unknown: built in are {', '.join(catalog.GROUPS[group])}; installed"
            f" as plug-ins of {PREFIX}{group} are {list_names(group)}; {HOW_TO_INSTALL}"
        )
    if len(found) > 1:
        owners = " and ".join(sorted(entry.dist.name for entry in found if entry.dist))
        raise BadInputError(f"plug-in {name!r}: {owners} both have it in {PREFIX}{group}; uninstall all but one")
    return found[0]


def list_names(group: str) -> str:
    """The plug-ins of a group that are installed, for a message."""
    return ", ".join(sorted({entry.name for entry in entry_points(group=PREFIX + group)})) or "none"


def describe_plugin(entry: EntryPoint) -> str:
    """A plug-in by its name, and the distribution that brings it."""
    owner = f" of {entry.dist.name} {entry.dist.version}" if entry.dist else ""
    return f"plug-in {entry.name!r}{owner} ({entry.group})"


def describe_error(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
