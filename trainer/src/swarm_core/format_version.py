"""Versions of stored formats. Stored data names its version, and a reader refuses a version that it does not know.

The version of a format is raised when its fields change. Misreading a field would be worse than stopping the run.
"""

from collections.abc import Mapping

from swarm_core.ports import StoreError

FIELD = "version"


class UnknownVersionError(StoreError):
    """Stored bytes are in a format that this release does not read."""


def check(fields: Mapping[str, object], what: str, known: int) -> dict[str, object]:
    """`fields` without the version. `what`: the name of the data in the message.

    Raises UnknownVersionError if the version is not `known`.
    """
    found = fields.get(FIELD)
    if found != known:
        raise UnknownVersionError(
            f"{what} of format version {found!r}: this release reads version {known} only; use the release"
            " that wrote it, or start a new run"
        )
    return {name: value for name, value in fields.items() if name != FIELD}
