"""The digests of what the spec's URIs held when the run was prepared, and whether they still hold it.

For finding the files again and for noticing a change; no part of the experiment's identity, which names no place.
"""

import json
from collections.abc import Mapping

from swarm_core.api.defaults import Use
from swarm_core.errors import BadInputError
from swarm_core.ports import ArtifactStore
from swarm_core.recipe import Digest

KEY = "prepare/sources.json"
"""Where they stand in the store."""


def load(store: ArtifactStore) -> dict[str, Digest]:
    """Every URI's digest; none before the run is prepared."""
    pinned: dict[str, Digest] = json.loads(store.read(KEY) or b"{}")
    return pinned


def check(use: Use, found: Digest, pinned: Mapping[str, Digest]) -> None:
    """Pass if `found` is what `use` held at first. Raises BadInputError naming the field and both digests."""
    if found != pinned[use.uri]:
        raise BadInputError(
            f"{use.field}: {use.uri!r} has changed since this run began (sha256 {found}, was {pinned[use.uri]});"
            " restore it, or give another --folder"
        )
