"""The codec of search states: to JSON text and back, exactly. A float is written as its shortest exact decimal.

The text is canonical (sorted keys, no spaces), so equal states have equal digests. It has the version of this format
and the name of the optimizer. Fields are read by their types, so an optimizer needs no code here. The types are
numbers, text, enumerations, tuples of one type, dataclasses, and None.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, is_dataclass
from enum import StrEnum
from functools import cache, partial
from types import MappingProxyType, NoneType
from typing import Any, cast, get_args, get_origin, get_type_hints

from swarm_core.errors import BadInputError
from swarm_core.optimizers import registry
from swarm_core.optimizers.optimizer import Plan, SearchState
from swarm_core.recipe import canonical_json

VERSION = 1
Json = Any  # parsed JSON; every function below turns it into typed values


def to_json(state: SearchState) -> str:
    """Return the canonical JSON text of `state`. `from_json` returns an equal state, with every float bit for bit."""
    written = asdict(state)
    plan = written.pop("plan")
    constants = plan.pop("optimizer")
    optimizer = {"name": state.plan.optimizer.name, "constants": constants}
    return canonical_json({"version": VERSION, "optimizer": optimizer, "plan": plan, "state": written}).decode()


def from_json(text: str) -> SearchState:
    """Return the state that `to_json` wrote. Raises ValueError for any other `text`."""
    try:
        return _read_state(json.loads(text))
    except (BadInputError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"not a search state: {error!r} in {text[:80]!r}; only what to_json wrote can be read"
        ) from error


def _read_state(value: Json) -> SearchState:
    if value["version"] != VERSION:
        raise ValueError(f"version {value['version']!r}: this program reads version {VERSION}")
    kind = registry.find_optimizer(value["optimizer"]["name"])
    optimizer = _read(kind, value["optimizer"]["constants"])
    plan: Plan = _read_dataclass(Plan, value["plan"], {"optimizer": optimizer})
    state: SearchState = _read_dataclass(type(optimizer.start(plan)), value["state"], {"plan": plan})
    return state


def _read(hint: Any, value: Json) -> Any:
    """Return `value` as the type `hint`. Raises TypeError, ValueError or KeyError if it is not of this type."""
    return _reader(hint)(value)


@cache
def _reader(hint: Any) -> Callable[[Json], Any]:
    """Return the function that reads a value of the type `hint`. To look at a type is slow, so it is done once."""
    options = [option for option in get_args(hint) if option is not NoneType]
    if get_origin(hint) is tuple:
        return partial(_read_tuple, options[0])
    if options:  # X | None, the only union that a field may be
        return partial(_read_optional, _reader(options[0]))
    if is_dataclass(hint):
        return partial(_read_dataclass, hint)
    if issubclass(hint, StrEnum):
        return cast(Callable[[Json], Any], hint)
    return partial(_read_scalar, hint)


def _read_optional(read: Callable[[Json], Any], value: Json) -> Any:
    return None if value is None else read(value)


def _read_scalar(kind: type, value: Json) -> Any:
    if not isinstance(value, (int, float) if kind is float else kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _read_tuple(hint: Any, value: Json) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    if hint is float and set(map(type, value)) <= {float, int}:
        return tuple(value)  # a position; almost all values are in positions
    return tuple(map(_reader(hint), value))


def _read_dataclass(kind: Any, value: Json, known: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """Return a `kind` with the fields of `value` and those that are `known`."""
    readers = _field_readers(kind)
    if value.keys() | known.keys() != readers.keys():
        raise KeyError(f"{kind.__name__} has the fields {sorted(readers)}, not {sorted(value.keys() | known.keys())}")
    return kind(**{name: readers[name](part) for name, part in value.items()}, **known)


@cache
def _field_readers(kind: Any) -> Mapping[str, Callable[[Json], Any]]:
    """Return the function that reads each field."""
    hints = get_type_hints(kind)
    return {field.name: _reader(hints[field.name]) for field in fields(kind)}
