"""What was pinned when the run was prepared: what the spec's URIs held, and the experiment itself.

A pin is the digest of what a URI held and, of a branch that may move, the commit to find it at again. Pins are for
finding inputs again and for noticing a change; no part of the experiment's identity, which names no place. The
identity stands beside them, word for word: a store belongs to one experiment, wherever it is used from, and whoever has
the store alone can replay the run.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from swarm_core.api import parts, resolution
from swarm_core.api.resolution import UriUse
from swarm_core.api.resolved import ResolvedRun
from swarm_core.errors import BadInputError
from swarm_core.ports import ArtifactStore
from swarm_core.recipe import Digest, canonical_json
from swarm_trainer.sources.fetching import Pin

KEY = "prepare/sources.json"
"""Where the pins stand in the store."""
IDENTITY_KEY = "prepare/experiment.json"
"""Where the experiment stands: what its experimentDigest is the sha256 of."""
CODE_ADVICE = "go on with the dataswarm that it began with, or give another --folder, prefix or metadata.name"
MISMATCH_ADVICE = "that this store holds; give another --folder, prefix or metadata.name"


def load(store: ArtifactStore) -> dict[str, Pin]:
    """Every URI's pin; none before the run is prepared."""
    return {uri: Pin(**fields) for uri, fields in json.loads(store.read(KEY) or b"{}").items()}


def publish(store: ArtifactStore, pinned: Mapping[str, Pin]) -> None:
    """Pin the inputs. Raises BadInputError if another attempt of this run pinned others."""
    own = canonical_json({uri: asdict(pin) for uri, pin in pinned.items()})
    if digests(pinned) != digests({uri: Pin(**fields) for uri, fields in json.loads(store.publish(KEY, own)).items()}):
        raise BadInputError(
            "the inputs changed while the run was being prepared: restore them or start in a new folder"
        )


def digests(pinned: Mapping[str, Pin]) -> dict[str, Digest]:
    """What the URIs hold, for the experiment's identity."""
    return {uri: pin.digest for uri, pin in pinned.items()}


def check(use: UriUse, found: Digest, pinned: Pin) -> None:
    """Pass if `found` is what `use` held at first. Raises BadInputError naming the field and both digests."""
    if found != pinned.digest:
        raise BadInputError(
            f"{use.field}: {use.uri!r} has changed since this run began (sha256 {found}, was {pinned.digest});"
            " restore it, or give another --folder"
        )


def check_experiment(resolved: ResolvedRun, store: ArtifactStore) -> None:
    """Raises BadInputError if the store, which may be a distant one, holds another experiment than this."""
    standing, pinned = store.read(IDENTITY_KEY), digests(load(store))
    if standing is None:
        return
    for use in resolution.list_uris(resolved):
        if use.uri not in pinned:
            raise BadInputError(f"{use.field}: {use.uri!r} is no input of the experiment {MISMATCH_ADVICE}")
    check_same_experiment(standing, resolution.serialize_identity(resolved, pinned, parts.identify(resolved)))


def check_same_experiment(standing: bytes, wanted: bytes) -> None:
    """Raises BadInputError, naming the fields, unless the experiment that stands in the store is the one wanted."""
    if standing == wanted:
        return
    ours, theirs = json.loads(wanted), json.loads(standing)
    differing = list_differing(ours["spec"], theirs["spec"])
    if not differing:
        raise BadInputError(describe_changed_code(ours, theirs))
    named = ", ".join(f"spec.{name}" for name in differing)
    raise BadInputError(f"{named}: not as in the experiment {MISMATCH_ADVICE}")


def check_parts(resolved: ResolvedRun, store: ArtifactStore) -> None:
    """Pass if the parts and prompts of this process are those that the run was prepared with.

    Raises BadInputError, naming the field and both versions, or the plug-in that is not installed.
    """
    standing = store.read(IDENTITY_KEY)
    if standing is None:
        return
    found = parts.identify(resolved)
    ours = json.loads(canonical_json({"parts": found.parts, "prompts": found.prompts}))
    theirs = json.loads(standing)
    if any(ours[name] != theirs[name] for name in ours):
        raise BadInputError(describe_changed_code(ours, theirs))


def describe_changed_code(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """What to say where the spec is the same and a part or a prompt is not."""
    for field in list_differing(ours["parts"], theirs["parts"]):
        here, there = (describe_origin(found["parts"].get(field)) for found in (ours, theirs))
        if here == there:
            return f"{field}.plugin.config: not as in the experiment {MISMATCH_ADVICE}"
        return (
            f"{field}: {here} is installed, and this run began with {there}; install that again, or give another"
            " --folder, prefix or metadata.name"
        )
    changed = ", ".join(list_differing(ours["prompts"], theirs["prompts"]))
    return f"the prompts of {changed} are not those that this run began with; {CODE_ADVICE}"


def describe_origin(fields: Mapping[str, Any] | None) -> str:
    """The origin of a part, for a message."""
    match fields:
        case {"distribution": distribution, "version": version, "name": name}:
            return f"{name} of {distribution} {version}"
        case {"revision": revision, "name": name}:
            return f"revision {revision} of {name}"
        case _:
            return "no such part"


def list_differing(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
