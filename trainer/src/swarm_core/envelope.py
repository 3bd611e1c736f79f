"""The envelope of a commit: the fields that all kinds of run share, and a payload that the program of the kind defines.

    {"version": 1, "kind": "SwarmRun", "iteration": 7, "parent": DIGEST, "payload": {...}}

`version` is raised when the format of the envelope or of any payload changes. A reader refuses a version or a kind that
it does not know and names it, because misreading a field is worse than stopping the run.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from swarm_core import format_version, program_registry
from swarm_core.ports import StoreError
from swarm_core.recipe import Digest, canonical_json

VERSION = 1


class UnknownKindError(StoreError):
    """The kind of a commit is not installed, or its commits have another payload."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One entry of a chain of commits."""

    kind: str
    """The kind of run, which identifies its program."""
    iteration: int
    """The index of the commit in the chain. If swarms take turns, it counts turns."""
    parent: Digest
    """The digest of the commit before; for iteration 0, that of the experiment."""
    payload: Mapping[str, Any]
    """The content that the program of the kind committed, as JSON values."""

    def to_bytes(self) -> bytes:
        fields = {"kind": self.kind, "iteration": self.iteration, "parent": self.parent, "payload": dict(self.payload)}
        return canonical_json({format_version.FIELD: VERSION, **fields})

    @classmethod
    def from_bytes(cls, data: bytes) -> "Envelope":
        """Return the envelope that `to_bytes` wrote.

        Raises UnknownVersionError for another version, and UnknownKindError for a kind of run that is not installed.
        """
        fields: dict[str, Any] = format_version.check(json.loads(data), "a commit", VERSION)
        kind = fields["kind"]
        if kind not in program_registry.list_kinds():
            raise UnknownKindError(
                f"a commit of a run of kind {kind!r}: installed here are {', '.join(program_registry.list_kinds())};"
                " install the distribution that provides that kind"
            )
        return cls(**fields)
