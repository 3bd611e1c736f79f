"""Checks of the config of a part (judge, gate or objective), which its factory takes as a mapping.

A factory refuses unknown fields, so a misspelled field is an error and does not silently become a default.
"""

from collections.abc import Mapping
from typing import TypeVar

from swarm_core.errors import BadInputError

T = TypeVar("T")


def check_fields(part: str, config: Mapping[str, object], known: tuple[str, ...] = ()) -> None:
    """Check that `config` has no fields other than `known`. Raises BadInputError, which names `part` and the field."""
    for name in config:
        if name not in known:
            choose = f"choose from {', '.join(known)}" if known else "it takes none"
            raise BadInputError(f"{part}: config field {name!r} is unknown; {choose}")


def get_field(part: str, config: Mapping[str, object], name: str, kind: type[T], default: T | None = None) -> T:
    """Return the value of a field, which must be a `kind`; `default` if it is absent. A float may be given as a
    whole number.

    Raises BadInputError for a value of another type, and for an absent field without a default.
    """
    value: object = config.get(name, default)
    if kind is float and type(value) is int:
        value = float(value)
    if value is None:
        raise BadInputError(f"{part}: config field {name!r} is missing; give one of type {kind.__name__}")
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise BadInputError(f"{part}: config field {name!r} is {value!r}; give one of type {kind.__name__}")
    return value
