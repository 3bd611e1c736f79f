"""The configuration of a part (judge, gate, objective) as its factory gets it: names and values, checked on the way in.

A factory takes one mapping and refuses what it does not understand, so a misspelled field is an error, not a default.
"""

from collections.abc import Mapping
from typing import TypeVar

from swarm_core.errors import BadInputError

T = TypeVar("T")


def check_fields(part: str, config: Mapping[str, object], known: tuple[str, ...] = ()) -> None:
    """Pass if `config` has no other fields than `known`. Raises BadInputError naming `part` and the field."""
    for name in config:
        if name not in known:
            choose = f"choose from {', '.join(known)}" if known else "it takes none"
            raise BadInputError(f"{part}: config field {name!r} is unknown; {choose}")


def get_field(part: str, config: Mapping[str, object], name: str, kind: type[T], default: T | None = None) -> T:
    """The value of a field, a `kind`; `default` where it is absent. A whole number will do where a float is asked for.

    Raises BadInputError for a value of another type, and where a field without a default is absent.
    """
    value: object = config.get(name, default)
    if kind is float and type(value) is int:
        value = float(value)
    if value is None:
        raise BadInputError(f"{part}: config field {name!r} is missing; give one of type {kind.__name__}")
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise BadInputError(f"{part}: config field {name!r} is {value!r}; give one of type {kind.__name__}")
    return value
