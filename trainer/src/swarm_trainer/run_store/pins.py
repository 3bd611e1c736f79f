"""The pins of a prepared run: the content of the spec's URIs, and the experiment itself.

A pin is the digest of a URI's content and, for a branch that may move, the commit to fetch it from again. Pins serve to
find inputs again and to notice a change. They are not part of the experiment's identity, which names no location.

The identity is stored next to the pins, word for word. So a store belongs to one experiment, wherever it is used, and a
run can be replayed from the store alone.
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
"""The key of the pins in the store."""
IDENTITY_KEY = "prepare/experiment.json"
"""The key of the experiment's identity, whose SHA-256 is the experimentDigest."""
CODE_ADVICE = "go on with the dataswarm that it began with, or give another --folder, prefix or metadata.name"
MISMATCH_ADVICE = "that this store holds; give another --folder, prefix or metadata.name"


def load(store: ArtifactStore) -> dict[str, Pin]:
    """Return the pin of every URI; none before the run is prepared. Raises StoreError."""
    return {uri: Pin(**fields) for uri, fields in json.loads(store.read(KEY) or b"{}").items()}


def publish(store: ArtifactStore, pinned: Mapping[str, Pin]) -> None:
    """Pin the inputs. Raises BadInputError if another attempt of this run pinned other inputs."""
    own = canonical_json({uri: asdict(pin) for uri, pin in pinned.items()})
    if digests(pinned) != digests({uri: Pin(**fields) for uri, fields in json.loads(store.publish(KEY, own)).items()}):
        raise BadInputError(
            "the inputs changed while the run was being prepared: restore them or start in a new folder"
        )


def digests(pinned: Mapping[str, Pin]) -> dict[str, Digest]:
    """Return the digest of every URI's content, for the experiment's identity."""
    return {uri: pin.digest for uri, pin in pinned.items()}


def check(use: UriUse, found: Digest, pinned: Pin) -> None:
    """Check that `found` is the digest that `use` had first. Raises BadInputError naming the field and both digests."""
    if found != pinned.digest:
        raise BadInputError(
            f"{use.field}: {use.uri!r} has changed since this run began (sha256 {found}, was {pinned.digest});"
            " restore it, or give another --folder"
        )


def check_experiment(resolved: ResolvedRun, store: ArtifactStore) -> None:
    """Check that the store, which may be remote, holds this experiment or none. Raises BadInputError."""
    stored, pinned = store.read(IDENTITY_KEY), digests(load(store))
    if stored is None:
        return
    for use in resolution.list_uris(resolved):
        if use.uri not in pinned:
            raise BadInputError(f"{use.field}: {use.uri!r} is no input of the experiment {MISMATCH_ADVICE}")
    check_same_experiment(stored, resolution.serialize_identity(resolved, pinned, parts.identify_parts(resolved)))


def check_same_experiment(stored: bytes, expected: bytes) -> None:
    """Check that the stored experiment is the expected one. Raises BadInputError naming the fields that differ."""
    if stored == expected:
        return
    ours, theirs = json.loads(expected), json.loads(stored)
    differing = list_differing(ours["spec"], theirs["spec"])
    if not differing:
        raise BadInputError(describe_changed_code(ours, theirs))
    named = ", ".join(f"spec.{name}" for name in differing)
    raise BadInputError(f"{named}: not as in the experiment {MISMATCH_ADVICE}")


def check_parts(resolved: ResolvedRun, store: ArtifactStore) -> None:
    """Check that the parts and prompts of this process are those that the run was prepared with.

    Raises BadInputError, naming the field and both versions, or the plug-in that is not installed.
    """
    stored = store.read(IDENTITY_KEY)
    if stored is None:
        return
    identity = parts.identify_parts(resolved)
    ours = json.loads(canonical_json({"parts": identity.parts, "prompts": identity.prompts}))
    theirs = json.loads(stored)
    if any(ours[name] != theirs[name] for name in ours):
        raise BadInputError(describe_changed_code(ours, theirs))


def describe_changed_code(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """Explain the difference if the specs are equal, but a part or a prompt is not."""
    for field in list_differing(ours["parts"], theirs["parts"]):
        here, there = (describe_origin(identity["parts"].get(field)) for identity in (ours, theirs))
        if here == there:
            return f"{field}.plugin.config: not as in the experiment {MISMATCH_ADVICE}"
        return (
            f"{field}: {here} is installed, and this run began with {there}; install that again, or give another"
            " --folder, prefix or metadata.name"
        )
    changed = ", ".join(list_differing(ours["prompts"], theirs["prompts"]))
    return f"the prompts of {changed} are not those that this run began with; {CODE_ADVICE}"


def describe_origin(fields: Mapping[str, Any] | None) -> str:
    """Describe the origin of a part, for a message."""
    match fields:
        case {"distribution": distribution, "version": version, "name": name}:
            return f"{name} of {distribution} {version}"
        case {"revision": revision, "name": name}:
            return f"revision {revision} of {name}"
        case _:
            return "no such part"


def list_differing(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """List the names whose values differ, in order."""
    return sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
