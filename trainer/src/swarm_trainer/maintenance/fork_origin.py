"""Where a run says what it is a fork of."""

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
    """What a run took over."""

    uri: str
    iteration: int
    experiment: Digest
    """The other run's experimentDigest."""
    commit: Digest
    """The other run's commit of `iteration`."""


def publish(store: ArtifactStore, origin: ForkOrigin) -> None:
    store.publish(KEY, canonical_json(asdict(origin)))


def load(store: ArtifactStore) -> ForkOrigin | None:
    """What the run in `store` took over; None if it started anew."""
    data = store.read(KEY)
    return None if data is None else ForkOrigin(**json.loads(data))


def check(resolved: ResolvedRun, store: ArtifactStore) -> None:
    """Of a run that goes on: it began where its spec says. Raises BadInputError."""
    if not isinstance(resolved, ResolvedSpec):
        return
    wanted, found = resolved.resume_from, load(store)
    if wanted is None or (found is not None and (found.uri, found.iteration) == (wanted.uri, wanted.iteration)):
        return
    began = "anew" if found is None else f"from iteration {found.iteration} of {found.uri!r}"
    raise BadInputError(
        f"{RESUME_FIELD}: this run began {began}; undo the change, or give another --folder or metadata.name"
    )
