"""CustomResourceDefinitions from the models: structural schemas, with the rules between fields as CEL.

`python -m swarm_core.api.crd SwarmRun` prints the content of `crds/dataswarm.io_swarmruns.yaml`. The same works for
every kind of run that is installed.

Limits: it converts the keywords that the models use today. Any other keyword raises `InexpressibleError`, which names
the field.

Invariants: a schema has no references, no titles and no nulls. Every text, list and map has a maximum size, because the
API server must bound the cost of a rule. The default of a block is written out in full: the server checks the default
against the rules before it fills in nested defaults, so `default: {}` would fail a rule that reads a defaulted field.
"""

import sys
from collections.abc import Callable

import yaml
from pydantic.json_schema import JsonSchemaValue

from swarm_core.api import custom_resources
from swarm_core.api.custom_resources import Column, CustomResource
from swarm_core.api.run import API_GROUP, API_VERSION
from swarm_core.api.schema import inline_references
from swarm_core.blocks import scalars
from swarm_core.blocks.block import VALIDATIONS
from swarm_core.blocks.free_json import PRESERVE

HEADER = "# Made from the models by `python -m swarm_core.api.crd`; edit those.\n"
DROPPED_KEYWORDS = frozenset({"title", "propertyNames"})
"""Keywords that a structural schema does not have. The size of an object bounds the keys of a map instead."""
COPIED_KEYWORDS = frozenset({
    "type", "description", "enum", "required", "minimum", "maximum", "minLength", "maxLength", "pattern", "minItems",
    "maxItems", "maxProperties", VALIDATIONS, "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
    PRESERVE,
})  # fmt: skip
SAME_PLACE = (
    "self.storage.type == oldSelf.storage.type"
    " && (!has(self.storage.local) || self.storage.local == oldSelf.storage.local)"
    " && (!has(self.storage.s3) || (self.storage.s3.bucket == oldSelf.storage.s3.bucket"
    " && self.storage.s3.prefix == oldSelf.storage.s3.prefix))"
)
"""The rule that the artifacts of a run stay in one place. The type decides which of local and s3 is given."""
CAP_KEYWORDS = {"string": "maxLength", "array": "maxItems"}


class InexpressibleError(Exception):
    """A model uses a keyword that a structural schema cannot express."""


def _build_names(resource: CustomResource) -> JsonSchemaValue:
    """Return the names of `resource` in the API server."""
    return {
        "kind": resource.kind,
        "listKind": f"{resource.kind}List",
        "plural": resource.plural,
        "singular": resource.kind.lower(),
        "shortNames": [resource.short],
        "categories": ["swarm"],
    }


def build_manifest(resource: CustomResource) -> JsonSchemaValue:
    """Return the CustomResourceDefinition of `resource` as a JSON object."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{API_GROUP}"},
        "spec": {
            "group": API_GROUP,
            "names": _build_names(resource),
            "scope": "Namespaced",
            "versions": [_build_version(resource)],
        },
    }


def text(resource: CustomResource) -> str:
    """Return the CustomResourceDefinition of `resource` as YAML."""
    return HEADER + yaml.safe_dump(build_manifest(resource), sort_keys=False, width=120, allow_unicode=True)


def _build_version(resource: CustomResource) -> JsonSchemaValue:
    return {
        "name": API_VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": list(map(_build_column, resource.columns)),
        "schema": {"openAPIV3Schema": _build_root(resource)},
    }


def _build_column(column: Column) -> JsonSchemaValue:
    wide = {"priority": 1} if column.wide else {}
    return {"name": column.title, "type": column.type, **wide, "jsonPath": column.path}


def _build_root(resource: CustomResource) -> JsonSchemaValue:
    """Return the schema of the whole object.

    Kubernetes defines the type and the metadata. Of the metadata, a CRD may restrict only the name.
    """
    schema = inline_references(resource.model)
    properties = schema["properties"]
    spec = to_structural(properties["spec"], "spec")
    known = spec["required"] + _list_defaulted(spec)
    spec.setdefault(VALIDATIONS, []).extend(_build_fixed_rule(resource, name, name in known) for name in resource.fixed)
    name = {"type": "string", "minLength": 1, "maxLength": 63, "pattern": f"^({scalars.LABEL_PATTERN})$"}
    return {
        "description": schema["description"],
        "type": "object",
        "required": ["metadata", "spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": properties["apiVersion"]["description"]},
            "kind": {"type": "string", "description": properties["kind"]["description"]},
            "metadata": {"type": "object", "properties": {"name": name}},
            "spec": spec,
            "status": to_structural(properties["status"], "status"),
        },
    }


def _list_defaulted(schema: JsonSchemaValue) -> list[str]:
    return [name for name, part in schema["properties"].items() if "default" in part]


def _build_fixed_rule(resource: CustomResource, name: str, always: bool) -> JsonSchemaValue:
    """Return the rule that field `name` of the spec does not change. `always`: the field is never absent."""
    same, exceptions = f"self.{name} == oldSelf.{name}", ""
    if name == "storage":  # a Secret gets a new name, or a store a new address, while the artifacts stay where they are
        same, exceptions = SAME_PLACE, ", except for the address and credentials of its bucket"
    if not always:
        same = f"has(self.{name}) == has(oldSelf.{name}) && (!has(self.{name}) || ({same}))"
    article = "an" if resource.kind.startswith("A") else "a"
    message = f"{name} is fixed once a run exists{exceptions}; create {article} {resource.kind} with another name"
    return {"rule": same, "message": message, "fieldPath": f".{name}", "reason": "FieldValueForbidden"}


def to_structural(node: JsonSchemaValue, path: str) -> JsonSchemaValue:
    """`node` as a structural schema. `node` has no references.

    Raises InexpressibleError, which names the field at `path`, for a keyword that a structural schema does not have.
    """
    node = _remove_null_type(node, path)
    schema: JsonSchemaValue = {}
    for key, value in node.items():
        if key in COPIED_KEYWORDS:
            schema[key] = " ".join(value.split()) if key == "description" else value
        elif key in CONVERTERS:
            schema.update(CONVERTERS[key](value, path))
        elif key not in DROPPED_KEYWORDS:
            raise InexpressibleError(f"{path}: a structural schema has no {key!r}; define the field without it")
    return _require_cap(_add_format(schema), path)


def _remove_null_type(node: JsonSchemaValue, path: str) -> JsonSchemaValue:
    """`node` without the type null and without a default of null, both of which mean absent."""
    if "anyOf" not in node:
        return node
    kinds = [part for part in node["anyOf"] if part.get("type") != "null"]
    if len(kinds) != 1 or node.get("default") is not None:
        raise InexpressibleError(f"{path}: a structural schema has no 'anyOf'; use a type and one block per member")
    return {**kinds[0], **{key: value for key, value in node.items() if key not in ("anyOf", "default")}}


def _add_format(schema: JsonSchemaValue) -> JsonSchemaValue:
    """`schema` with the format that Kubernetes requires, and without nulls in its default."""
    formats = {"integer": "int64", "number": "double"}
    if schema["type"] in formats:
        return {**schema, "format": formats[schema["type"]]}
    if isinstance(schema.get("default"), dict):
        return {**schema, "default": _drop_nulls(schema["default"])}
    return schema


def _drop_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {key: _drop_nulls(part) for key, part in value.items() if part is not None}
    return value


def _require_cap(schema: JsonSchemaValue, path: str) -> JsonSchemaValue:
    cap = "maxProperties" if "additionalProperties" in schema else CAP_KEYWORDS.get(schema["type"])
    if cap and cap not in schema and "enum" not in schema:
        raise InexpressibleError(
            f"{path}: has no {cap}; give the field one, or the API server cannot bound the cost of rules"
        )
    return schema


def _convert_properties(value: JsonSchemaValue, path: str) -> JsonSchemaValue:
    return {"properties": {name: to_structural(part, f"{path}.{name}") for name, part in value.items()}}


def _convert_map(value: JsonSchemaValue | bool, path: str) -> JsonSchemaValue:
    """Return the schema of the values of a map.

    The value `false`, which a block has, is left out, because the server prunes unknown fields instead.
    """
    return {"additionalProperties": to_structural(value, f"{path}{{}}")} if isinstance(value, dict) else {}


CONVERTERS: dict[str, Callable[..., JsonSchemaValue]] = {
    "properties": _convert_properties,
    "items": lambda value, path: {"items": to_structural(value, f"{path}[]")},
    "additionalProperties": _convert_map,
    "const": lambda value, _path: {"enum": [value]},
    "default": lambda value, _path: {"default": value},
    "exclusiveMinimum": lambda value, _path: {"minimum": value, "exclusiveMinimum": True},
    "exclusiveMaximum": lambda value, _path: {"maximum": value, "exclusiveMaximum": True},
}
"""Keywords that a structural schema expresses in another way."""


if __name__ == "__main__":
    sys.stdout.write(text(custom_resources.find_resource(sys.argv[1])))
