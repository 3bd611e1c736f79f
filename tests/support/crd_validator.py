"""Validates a document as an API server does: it drops nulls, fills in defaults, and checks the structure and CEL
rules.

tests/cluster checks the same documents with a real API server.
"""

import copy
import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import celpy
import jsonschema
import re2
from celpy import celtypes
from jsonschema import validators

from swarm_core.blocks.block import VALIDATIONS
from swarm_core.blocks.free_json import PRESERVE

Schema = dict[str, Any]


def admit(document: Any, schema: Schema) -> Any:
    """`document` as the server would store it: nulls dropped, defaults filled in, whole floats as integers."""
    return _admit(copy.deepcopy(document), schema)


def _admit(document: Any, schema: Schema) -> Any:
    """Like `admit`, but changes `document`."""
    match document:
        case dict():
            known = schema.get("properties", {})
            for name, part in known.items():
                if document.get(name) is None:
                    document.pop(name, None)
                    if "default" in part:
                        document[name] = copy.deepcopy(part["default"])
                if name in document:
                    document[name] = _admit(document[name], part)
            if "additionalProperties" in schema:
                values = schema["additionalProperties"]
                return {name: _admit(part, values) for name, part in document.items() if part is not None}
        case list() if "items" in schema:
            return [_admit(entry, schema["items"]) for entry in document]
        case float() if schema.get("type") == "integer" and document.is_integer():
            return int(document)
    return document


def list_refusals(document: Any, schema: Schema, before: Any = None) -> list[str]:
    """The reasons why the server refuses to create `document`, or to replace `before` with it.

    Empty if it accepts it.
    """
    document = admit(document, schema)
    return list(_faults(document, schema)) or list(_broken_rules(document, schema, admit(before, schema)))


def rules(schema: Schema) -> Iterator[Schema]:
    """Every CEL rule in `schema`."""
    yield from schema.get(VALIDATIONS, ())
    for part in schema.get("properties", {}).values():
        yield from rules(part)
    if "items" in schema:
        yield from rules(schema["items"])


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Schema) -> Iterator[jsonschema.ValidationError]:
    """The `pattern` check of jsonschema, with the server's dialect of regular expressions."""
    if isinstance(instance, str) and not re2.search(pattern, instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


VALIDATOR = validators.extend(jsonschema.Draft4Validator, {"pattern": _pattern})
"""Draft 4: its exclusiveMinimum is a boolean, as in OpenAPI 3.0."""


def _broken_rules(value: Any, schema: Schema, before: Any) -> Iterator[str]:
    for rule in schema.get(VALIDATIONS, ()):
        transition = "oldSelf" in rule["rule"]
        if transition and before is None:
            continue
        text, old = (json.dumps(_read_by(rule["rule"], state)) for state in (value, before))
        if not _holds(rule["rule"], text, old if transition else None, _text(schema)):
            yield rule["message"]
    for name, part in schema.get("properties", {}).items():
        if name in value:
            yield from _broken_rules(value[name], part, before.get(name) if isinstance(before, dict) else None)
    if "items" in schema:
        for entry in value:
            yield from _broken_rules(entry, schema["items"], None)


def _faults(value: Any, schema: Schema, way: str = "$") -> Iterator[str]:
    """What is wrong with the structure of `value`. The fields of an object are checked one by one, and only once."""
    if not isinstance(value, dict) or "properties" not in schema:
        yield from (f"{way}{path}: {message}" for path, message in _own_faults(json.dumps(value), _text(schema)))
        return
    known = schema["properties"]
    shell = _shell(_text(schema))
    flat = {name: None if name in known else part for name, part in value.items()}
    yield from (f"{way}{path}: {message}" for path, message in _own_faults(json.dumps(flat), shell))
    for name in value.keys() & known.keys():
        yield from _faults(value[name], known[name], f"{way}.{name}")


@functools.cache
def _own_faults(value: str, schema: str) -> list[tuple[str, str]]:
    """The faults of a value as paths and messages. Cached by text: most parts of most documents repeat."""
    errors = _validator(schema).iter_errors(json.loads(value))
    return [(error.json_path.removeprefix("$"), error.message) for error in errors]


@functools.cache
def _validator(schema: str) -> Any:
    return VALIDATOR(json.loads(schema))


@functools.cache
def _shell(schema: str) -> str:
    """The schema of an object that asks nothing of its fields."""
    schema = json.loads(schema)
    return json.dumps({**schema, "properties": {name: {} for name in schema["properties"]}})


def _read_by(rule: str, value: Any) -> Any:
    """The parts of an object that `rule` reads; documents that differ elsewhere then share one evaluation."""
    if not isinstance(value, dict) or () in _list_paths(rule):
        return value
    kept: dict[str, Any] = {}
    for path in _list_paths(rule):
        source, target = value, kept
        for name in path[:-1]:
            if not isinstance(source.get(name), dict):
                break
            source, target = source[name], target.setdefault(name, {})
        else:
            if path[-1] in source:
                target[path[-1]] = source[path[-1]]
    return kept


@functools.cache
def _list_paths(rule: str) -> list[tuple[str, ...]]:
    """The fields that `rule` names, without their inner ones, the methods called on them, and the macros' variables."""
    found = set()
    for match in re.finditer(r"\b(?:self|oldSelf)\b((?:\.\w+)*)(\(?)", rule):
        names = match[1].split(".")[1:]
        found.add(tuple(names[:-1] if match[2] else names))
    return sorted(path for path in found if not any(path[:length] in found for length in range(len(path))))


TEXTS: dict[int, tuple[Schema, str]] = {}
"""Texts of schemas, by identity. Each schema is kept, so that no other one gets its identity."""


def _text(schema: Schema) -> str:
    """`schema` as text. It is cached, because it is large and needed for every rule of every document."""
    if id(schema) not in TEXTS:
        TEXTS[id(schema)] = (schema, json.dumps(schema))
    return TEXTS[id(schema)][1]


@functools.cache
def _holds(rule: str, value: str, before: str | None, schema: str) -> bool:
    """Cached by text, because the interpreter takes milliseconds and most values repeat."""
    known = {"self": _cel(json.loads(value), _load(schema))}
    if before is not None:
        known["oldSelf"] = _cel(json.loads(before), _load(schema))
    return bool(_program(rule).evaluate(known))


@functools.cache
def _load(schema: str) -> Schema:
    return json.loads(schema)


@functools.cache
def _program(rule: str) -> celpy.Runner:
    environment = celpy.Environment()
    return environment.program(environment.compile(rule))


def _cel(value: Any, schema: Schema) -> Any:
    """`value` with the CEL types that its schema declares; a number written 1 is a double.

    What the schema does not describe is compared as a whole, as the server does it.
    """
    match schema["type"]:
        case "object" if PRESERVE in schema:
            value = json.dumps(value, sort_keys=True)
        case "object":
            others = schema.get("additionalProperties")
            parts = schema.get("properties", {}) if others is None else dict.fromkeys(value, others)
            return celtypes.MapType(
                {celtypes.StringType(key): _cel(value[key], parts[key]) for key in value if key in parts}
            )
        case "array":
            return celtypes.ListType([_cel(entry, schema["items"]) for entry in value])
        case "number":
            return celtypes.DoubleType(value)
        case "integer":
            return celtypes.IntType(value)
        case "boolean":
            return celtypes.BoolType(value)
    return celtypes.StringType(value)
