"""Validates a document as an API server does: it drops nulls, fills in defaults, and checks the structure and CEL
rules.

tests/cluster checks the same documents with a real API server.
"""

import copy
import functools
import json
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
    faults = [f"{error.json_path}: {error.message}" for error in VALIDATOR(schema).iter_errors(document)]
    return faults or list(_broken_rules(document, schema, admit(before, schema)))


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
    text = json.dumps(value) if VALIDATIONS in schema else ""
    for rule in schema.get(VALIDATIONS, ()):
        transition = "oldSelf" in rule["rule"]
        if transition and before is None:
            continue
        if not _holds(rule["rule"], text, json.dumps(before) if transition else None, _text(schema)):
            yield rule["message"]
    for name, part in schema.get("properties", {}).items():
        if name in value:
            yield from _broken_rules(value[name], part, before.get(name) if isinstance(before, dict) else None)
    if "items" in schema:
        for entry in value:
            yield from _broken_rules(entry, schema["items"], None)


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
    known = {"self": _cel(json.loads(value), json.loads(schema))}
    if before is not None:
        known["oldSelf"] = _cel(json.loads(before), json.loads(schema))
    return bool(_program(rule).evaluate(known))


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
