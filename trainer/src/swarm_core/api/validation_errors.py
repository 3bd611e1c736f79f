"""The messages of validation errors: one line per error, with the path, the value, the rule and the way out.

Names are those that users write, in camelCase.
"""

import difflib
import functools
import reprlib
from collections.abc import Sequence

from pydantic import BaseModel, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import ErrorDetails

from swarm_core.api import custom_resources
from swarm_core.api.schema import inline_references
from swarm_core.blocks.block import RULE_BROKEN, UNQUOTED_VALUE, FieldPath

EXPECTED_TYPES = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "finite_number": "a finite number",
    "string_unicode": "text that UTF-8 can hold",
}
"""The expected type, by the type of the pydantic error."""
UNQUOTED_TYPES = ("int_type", "float_type", "bool_type")
BOUND_RULES = {
    "greater_than": ("gt", "must be above"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be below"),
    "less_than_equal": ("le", "must be at most"),
}
LENGTH_RULES = {
    "too_short": ("min_length", "list at least {} entries"),
    "too_long": ("max_length", "at most {} entries are allowed"),
    "string_too_short": ("min_length", "write at least {} characters"),
    "string_too_long": ("max_length", "write at most {} characters"),
}
TYPE_WORDS = (
    (bool, "a boolean"),
    ((int, float), "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "a mapping"),
)  # fmt: skip
"""The name of each type. A boolean comes before a number, because Python's bool is an int."""
MAX_CHARACTERS = 80
"""Maximum length of a value in a message."""


def format_lines(error: ValidationError, document: object, model: type[BaseModel]) -> list[str]:
    """Return one line per error of `document`, which is not a valid `model`."""
    faults = error.errors(include_url=False)
    told = [fault for fault in faults if not _follows_from_another(fault, faults, document)]
    return [_format_line(fault, document, _build_schema(model)) for fault in told]


def describe_type(value: object) -> str:
    """Return the type of `value` in the terms of YAML, such as `a list`."""
    return next((words for kinds, words in TYPE_WORDS if isinstance(value, kinds)), type(value).__name__)


def _follows_from_another(fault: ErrorDetails, faults: Sequence[ErrorDetails], document: object) -> bool:
    """Return whether a list is too short only because pydantic does not count those of its entries that are faulty."""
    at = tuple(fault["loc"])
    if fault["type"] != "too_short" or not any(at == tuple(one["loc"][: len(at)]) != one["loc"] for one in faults):
        return False
    value = _find_value(document, at)
    return isinstance(value, list) and len(value) >= fault["ctx"]["min_length"]


@functools.cache
def _build_schema(model: type[BaseModel]) -> JsonSchemaValue:
    """Return the schema of `model` without references.

    It is cached and built on demand: building it takes 0.1 s, and only an error needs it.
    """
    return inline_references(model)


def _format_line(fault: ErrorDetails, document: object, schema: JsonSchemaValue) -> str:
    at: FieldPath = tuple(fault["loc"])
    if fault["type"] == RULE_BROKEN:
        at += fault["ctx"]["at"]
    return f"{format_path(at)}: {_explain(fault, at, document, schema)}"


def _explain(fault: ErrorDetails, at: FieldPath, document: object, schema: JsonSchemaValue) -> str:
    """Return the error at path `at`, and the way out."""
    what, context, value = fault["type"], fault.get("ctx", {}), _find_value(document, at)
    match what:
        case "missing":
            words = f"is missing; {_explain_missing(_find_schema(schema, at))}"
        case "extra_forbidden":
            words = _explain_other_kind(at, schema) or _explain_unknown(at, _find_schema(schema, at[:-1]))
        case "enum" | "literal_error":
            words = f"{format_value(value)} is not known; use {str(context['expected']).replace(chr(39), '')}"
        case _ if what in BOUND_RULES:
            name, rule = BOUND_RULES[what]
            words = f"{format_value(value)} {rule} {context[name]}"
        case _ if what in LENGTH_RULES:
            name, rule = LENGTH_RULES[what]
            words = f"{format_value(value)} has the wrong length; {rule.format(context[name])}"
        case _ if what in EXPECTED_TYPES:
            quoted = isinstance(value, str) and what in UNQUOTED_TYPES
            found = "is empty" if value is None else f"{format_value(value)} is {describe_type(value)}"
            words = f"{found}; write {EXPECTED_TYPES[what]}{', without quotes' if quoted else ''}"
        case _ if what == UNQUOTED_VALUE:
            words = fault["msg"]
        case _:
            words = fault["msg"] if value is None else f"{format_value(value)}: {fault['msg']}"
    return words


def _explain_other_kind(at: FieldPath, schema: JsonSchemaValue) -> str:
    """Return a message about a field that another kind of run has at `at`; empty if no kind has it."""
    for resource in custom_resources.list_resources():
        if _find_schema(_build_schema(resource.model), at):
            return f"{resource.kind} has this field, but {schema['title']} does not; remove it"
    return ""


def _explain_unknown(at: FieldPath, around: JsonSchemaValue) -> str:
    names = list(around.get("properties", {}))
    near = difflib.get_close_matches(str(at[-1]), names, n=1)
    return f"unknown field; did you mean {near[0]}?" if near else f"unknown field; known here: {', '.join(names)}"


def _explain_missing(described: JsonSchemaValue) -> str:
    words = " ".join(described.get("description", "write it").split())
    return f"it is needed: {words[:1].lower()}{words[1:].rstrip('.')}"


def _find_value(document: object, path: FieldPath) -> object:
    """Return the value at `path`; None if there is none."""
    for part in path:
        match document, part:
            case dict(), _:
                document = document.get(part)
            case list(), int() if part < len(document):
                document = document[part]
            case _:
                return None
    return document


def _find_schema(schema: JsonSchemaValue, path: FieldPath) -> JsonSchemaValue:
    """Return the schema of the field at `path`; empty if there is none."""
    for part in path:
        fields = schema.get("items", {}) if isinstance(part, int) else schema.get("properties", {}).get(part, {})
        schema = next((one for one in fields.get("anyOf", ()) if one.get("type") != "null"), {}) | fields
    return schema


def format_path(path: FieldPath) -> str:
    """`path` as users write it, such as `spec.takers[1].name`."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).removeprefix(".") or "the document"


def format_value(value: object) -> str:
    """`value` for a message: short and on one line, however large or deeply nested it is."""
    if isinstance(value, bool):
        return str(value).lower()
    brief = reprlib.Repr()
    brief.maxstring = brief.maxother = brief.maxlong = MAX_CHARACTERS
    brief.maxlevel, brief.maxlist, brief.maxdict = 2, 4, 4
    return brief.repr(value)
