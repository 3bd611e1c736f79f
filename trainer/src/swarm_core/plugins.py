"""The loader of parts by name: built-ins of the catalog, and plug-ins that other distributions provide.

A plug-in is an entry point of `dataswarm.objectives`, `dataswarm.verifiers`, `dataswarm.judges`, `dataswarm.gates` or
`dataswarm.rivals`. It names a factory: a callable that takes the plug-in's `config` (a mapping, as in the spec) and
returns the part. The factory of a gate also takes the `GateContext` of the measurement. A factory refuses a config with
`BadInputError`. A part is imported only when it is loaded by name. A built-in is made from its settings
(`swarm_core.blocks.settings`), and a gate also from its `GateContext`.

An origin pins a part in the experiment's digest. The origin of a built-in is its `revision`, which is raised when its
results change. The origin of a plug-in is its distribution and version.

Limits: a plug-in runs in the process of the worker, with its permissions. The version comes from the metadata of the
distribution: a change of the code under the same version goes unnoticed.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import ValidationError

from swarm_core import catalog
from swarm_core.errors import BadInputError, ErrorCode, add_code

PREFIX = "dataswarm."
"""The prefix of the groups of entry points."""
MEMBERS: Mapping[str, tuple[str, ...]] = {
    "objectives": ("needs", "range", "value"),
    "verifiers": ("refusal", "requests", "score"),
    "judges": ("refusal", "requests", "score"),
    "gates": ("name", "requests", "refusal"),
    "rivals": ("trainer", "spends_budget"),
}
"""The attributes that a part of each group must have (`swarm_core.ports`, `swarm_core.objectives.objective`,
`swarm_core.rivals.rival`)."""
HOW_TO_INSTALL = (
    "install the distribution that provides it next to dataswarm; on a cluster, name an image that has it in"
    " spec.execution.kubernetes.image.trainer"
)

Factory = Callable[..., Any]
"""Builds a part from its config. That of a gate also takes a context."""


class PluginNotFoundError(BadInputError):
    """No built-in and no installed plug-in has this name in this group."""


@dataclass(frozen=True, slots=True)
class BuiltInOrigin:
    """The origin of a part that is built into dataswarm."""

    name: str
    revision: int


@dataclass(frozen=True, slots=True)
class PluginOrigin:
    """The origin of a part that another distribution provides."""

    name: str
    distribution: str
    version: str


Origin = BuiltInOrigin | PluginOrigin


def load_factory(group: str, name: str) -> Factory:
    """Return the factory of the part `name`, imported now.

    Raises PluginNotFoundError if no part has this name, and BadInputError if its module cannot be imported.
    """
    if name in catalog.GROUPS[group]:
        return partial(build_built_in, group, name)
    entry = find_entry_point(group, name)
    try:
        loaded: Factory = entry.load()
    except Exception as error:
        raise BadInputError(
            f"{describe_plugin(entry)} cannot be imported: {describe_error(error)}; fix its distribution"
        ) from error
    return loaded


def load_built_in(group: str, name: str) -> Any:
    """Return the class of a built-in, imported now."""
    module, _, attribute = catalog.GROUPS[group][name].partition(":")
    return getattr(import_module(module), attribute)


def build_built_in(group: str, name: str, config: Mapping[str, object], *context: object) -> Any:
    """Return the built-in `name`, built from its settings as JSON. Raises BadInputError for other settings."""
    kind = load_built_in(group, name)
    try:
        settings = kind.settings.model_validate(config)
    except ValidationError as error:
        first = error.errors()[0]
        broken_rule = first.get("ctx", {}).get("at", ())
        wrong = f"{'.'.join(map(str, (*first['loc'], *broken_rule)))}: {first['msg']}"
        raise BadInputError(f"{group.removesuffix('s')} {name}: {wrong}; correct its settings") from error
    return kind.from_settings(settings, *context)


def build_part(group: str, name: str, config: Mapping[str, object], *context: object) -> Any:
    """Return the part `name`, built from `config`. `context`: what a part of this group gets besides.

    Raises PluginNotFoundError if no part has this name. Raises BadInputError if the factory refuses the config, fails,
    or returns an object without the attributes of a part.
    """
    factory = load_factory(group, name)
    if name in catalog.GROUPS[group]:
        return factory(config, *context)
    entry = find_entry_point(group, name)
    try:
        part = factory(deepcopy(config), *context)  # a plug-in may change its own copy, never the spec
    except BadInputError as error:
        raise BadInputError(f"{describe_plugin(entry)} refuses its config: {error}") from error
    except Exception as error:
        raise BadInputError(
            f"{describe_plugin(entry)} cannot be built from its config: {describe_error(error)}; correct the config or"
            " the plug-in"
        ) from error
    check_members(entry, part, MEMBERS[group])
    return part


def check_members(entry: EntryPoint, part: object, members: tuple[str, ...]) -> None:
    """Check that `part`, which a plug-in returned, has all `members`. Raises BadInputError if one is missing."""
    missing = [member for member in members if not hasattr(part, member)]
    if missing:
        raise BadInputError(
            f"{describe_plugin(entry)} returns a {type(part).__name__} without {', '.join(missing)}; a part of"
            f" {entry.group} has {', '.join(members)}"
        )


def find_origin(group: str, name: str) -> Origin:
    """Return the origin of the part `name`. Raises PluginNotFoundError if no part has this name."""
    if name in catalog.GROUPS[group]:
        return BuiltInOrigin(name, load_built_in(group, name).revision)
    entry = find_entry_point(group, name)
    assert entry.dist is not None  # as `entry_points` found it
    return PluginOrigin(name, entry.dist.name, entry.dist.version)


def list_prompts(group: str, name: str) -> Mapping[str, object]:
    """Return the prompt templates of a built-in by name, if its class lists any as `prompts`.

    A plug-in has none here, because its version covers its templates.
    """
    return getattr(load_built_in(group, name), "prompts", {}) if name in catalog.GROUPS[group] else {}


def find_entry_point(group: str, name: str) -> EntryPoint:
    """Return the one entry point with this name in the group.

    Raises PluginNotFoundError if there is none, and BadInputError if several distributions have one.
    """
    found = list(entry_points(group=PREFIX + group, name=name))
    if not found:
        unknown = PluginNotFoundError(
            f"{group.removesuffix('s')} {name!r} is unknown: {HOW_TO_INSTALL}; built in are"
            f" {', '.join(catalog.GROUPS[group])}; installed as plug-ins of {PREFIX}{group} are {list_names(group)}"
        )
        raise add_code(unknown, ErrorCode.PLUGIN_NOT_FOUND)
    if len(found) > 1:
        owners = " and ".join(sorted(entry.dist.name for entry in found if entry.dist))
        raise BadInputError(f"plug-in {name!r}: {owners} all have it in {PREFIX}{group}; uninstall all but one of them")
    return found[0]


def list_names(group: str) -> str:
    """Return the names of the installed plug-ins of a group, for a message."""
    return ", ".join(sorted({entry.name for entry in entry_points(group=PREFIX + group)})) or "none"


def describe_plugin(entry: EntryPoint) -> str:
    """Return the name of a plug-in and of the distribution that provides it, for a message."""
    owner = f" of {entry.dist.name} {entry.dist.version}" if entry.dist else ""
    return f"plug-in {entry.name!r}{owner} ({entry.group})"


def describe_error(error: Exception) -> str:
    """Return the type and the message of `error`, for a message."""
    return f"{type(error).__name__}: {error}"
