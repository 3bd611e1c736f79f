"""What was pinned when the run was prepared: the digests of what the spec's URIs held, and the experiment itself.

The digests are for finding the files again and for noticing a change; no part of the experiment's identity, which names
no place. The identity stands beside them, word for word: a store belongs to one experiment, wherever it is used from,
and whoever has the store alone can replay the run.
"""

import json
from collections.abc import Mapping

from swarm_core.api.defaults import Use
from swarm_core.errors import BadInputError
from swarm_core.ports import ArtifactStore
from swarm_core.recipe import Digest

KEY = "prepare/sources.json"
"""Where the digests stand in the store."""
IDENTITY = "prepare/experiment.json"
"""Where the experiment stands: what its experimentDigest is the sha256 of."""
ANOTHER = "that this store holds; give another --folder, prefix or metadata.name"


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


def refuse_another(standing: bytes, wanted: bytes) -> None:
    """Raises BadInputError, naming the fields, unless the experiment that stands in the store is the one wanted."""
    if standing == wanted:
        return
    ours, theirs = json.loads(wanted), json.loads(standing)
    differing = sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
    named = ", ".join(f"spec.{name}" for name in differing)
    raise BadInputError(f"{named}: not as in the experiment {ANOTHER}")
