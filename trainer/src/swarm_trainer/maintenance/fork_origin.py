"""Records which run, and which of its iterations, a run was forked from."""

import json
from dataclasses import asdict, dataclass

from swarm_core.api.resolved import ResolvedRun, ResolvedSpec
from swarm_core.errors import BadInputError
from swarm_core.ports import ArtifactStore
from swarm_core.recipe import Digest, canonical_json

KEY = "prepare/origin.json"
RESUME_FIELD = "spec.resumeFrom"


@dataclass(frozen=True, slots=True)
class ForkOrigin:
    """The source of a fork."""

    uri: str
    iteration: int
    experiment: Digest
    """The other run's experimentDigest."""
    commit: Digest
    """The digest of the other run's commit of `iteration`."""


def publish(store: ArtifactStore, origin: ForkOrigin) -> None:
    """Record the source of the run in `store`. Raises StoreError."""
    store.publish(KEY, canonical_json(asdict(origin)))


def load(store: ArtifactStore) -> ForkOrigin | None:
    """Return the source of the run in `store`; None if it started anew."""
    data = store.read(KEY)
    return None if data is None else ForkOrigin(**json.loads(data))


def check(resolved: ResolvedRun, store: ArtifactStore) -> None:
    """Check that the stored run started where its spec says. Raises BadInputError."""
    if not isinstance(resolved, ResolvedSpec):
        return
    resume, origin = resolved.resume_from, load(store)
    if resume is None or (origin is not None and (origin.uri, origin.iteration) == (resume.uri, resume.iteration)):
        return
    start = "anew" if origin is None else f"from iteration {origin.iteration} of {origin.uri!r}"
    raise BadInputError(
        f"{RESUME_FIELD}: this run began {start}; undo the change, or give another --folder or metadata.name"
    )
