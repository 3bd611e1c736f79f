"""Versions of stored formats: what is written says which format it is in, and no reader guesses at another.

The version of a format is raised when its fields change. A release reads the versions that it names and refuses every
other one, because a field that is misread is worse than a run that stops.
"""

from collections.abc import Mapping

from swarm_core.ports import StoreError

FIELD = "version"


class UnknownVersionError(StoreError):
    """Stored bytes are in a format that this release does not read."""


def check(fields: Mapping[str, object], what: str, known: int) -> dict[str, object]:
    """`fields` without their version. Raises UnknownVersionError, naming `what`, unless it is `known`."""
    found = fields.get(FIELD)
    if found != known:
        raise UnknownVersionError(
            f"{what} of format version {found!r}: this release reads version {known} only; go on with the release"
            " that wrote it, or start a new run"
        )
    return {name: value for name, value in fields.items() if name != FIELD}
