"""The JSON schemas of runs: for editors with references, and for CRDs and messages without them.

`python -m swarm_core.api.schema SwarmRun` prints the content of `crds/swarmrun.schema.json`. The same works for every
kind of run that is installed. An editor that uses the schema completes fields and underlines misspelled ones, which an
API server would drop without a message.

Limits: the schemas for editors cover only structure. The rules between fields are in CEL, which editors do not read.
"""

import json
import sys

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaValue

from swarm_core.api import custom_resources
from swarm_core.blocks.block import VALIDATIONS


def inline_references(model: type[BaseModel]) -> JsonSchemaValue:
    """Return the schema of `model` without references. Each reference is replaced by its definition.

    Keywords next to a reference override those of the definition.
    """
    schema = model.model_json_schema(by_alias=True)
    definitions = schema.pop("$defs", {})
    return _inline(schema, definitions)


def build_editor_schema(model: type[BaseModel]) -> JsonSchemaValue:
    """Return the schema of `model` for editors, without titles and without CEL rules."""
    schema = _drop_keywords(model.model_json_schema(by_alias=True), {VALIDATIONS})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": model.__name__, **schema}


def text(model: type[BaseModel]) -> str:
    """Return the schema of `model` for editors, as JSON text."""
    return json.dumps(build_editor_schema(model), indent=2) + "\n"


def _inline(node: JsonSchemaValue, definitions: JsonSchemaValue) -> JsonSchemaValue:
    name = node.get("$ref", "").removeprefix("#/$defs/")
    if name:
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return {**_inline(definitions[name], definitions), **beside}
    return {key: _inline_part(key, value, definitions) for key, value in node.items()}


def _inline_part(key: str, value: object, definitions: JsonSchemaValue) -> object:
    match key, value:
        case "properties", dict():
            return {name: _inline(part, definitions) for name, part in value.items()}
        case (("items" | "additionalProperties" | "propertyNames"), dict()):
            return _inline(value, definitions)
        case (("anyOf" | "allOf" | "oneOf"), list()):
            return [_inline(part, definitions) for part in value]
        case _:
            return value


def _drop_keywords(node: JsonSchemaValue, dropped: set[str]) -> JsonSchemaValue:
    """`node` without titles and without the `dropped` keywords, at any depth. Names of properties are not keywords."""
    kept: JsonSchemaValue = {}
    for key, value in node.items():
        match key, value:
            case "title", str():
                continue
            case (("properties" | "$defs"), dict()):
                kept[key] = {name: _drop_keywords(part, dropped) for name, part in value.items()}
            case _, _ if key in dropped:
                continue
            case _, dict() if key != "default":
                kept[key] = _drop_keywords(value, dropped)
            case (("anyOf" | "allOf" | "oneOf"), list()):
                kept[key] = [_drop_keywords(part, dropped) for part in value]
            case _:
                kept[key] = value
    return kept


if __name__ == "__main__":
    sys.stdout.write(text(custom_resources.find_resource(sys.argv[1]).model))
