"""The envelope of a commit: what every kind of run has in common there, around a payload that is its program's own.

    {"version": 1, "kind": "SwarmRun", "iteration": 7, "parent": DIGEST, "payload": {...}}

`version` is raised when the envelope or the payload of any kind changes its form. A reader refuses a version or a kind
that it does not know, by name: a field that is misread is worse than a run that stops.
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
    """A commit of a kind of run that is not known here."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One link of a chain of commits."""

    kind: str
    """The kind of run, by which its program is found."""
    iteration: int
    """Its place in the chain: the turn, where swarms take turns."""
    parent: Digest
    """The commit before; for iteration 0 the experiment."""
    payload: Mapping[str, Any]
    """What the program of that kind committed, as JSON."""

    def to_bytes(self) -> bytes:
        fields = {"kind": self.kind, "iteration": self.iteration, "parent": self.parent, "payload": dict(self.payload)}
        return canonical_json({format_version.FIELD: VERSION, **fields})

    @classmethod
    def from_bytes(cls, data: bytes) -> "Envelope":
        """Raises UnknownVersionError for another version, UnknownKindError for a kind of run that is not installed."""
        fields: dict[str, Any] = format_version.check(json.loads(data), "a commit", VERSION)
        kind = fields["kind"]
        if kind not in program_registry.list_kinds():
            raise UnknownKindError(
                f"a commit of a run of kind {kind!r}: installed here are {', '.join(program_registry.list_kinds())};"
                " install the distribution that brings that kind"
            )
        return cls(**fields)
