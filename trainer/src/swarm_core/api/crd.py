"""The models as CustomResourceDefinitions: structural schemas, with the rules between fields as CEL.

`python -m swarm_core.api.crd SwarmRun` prints what `crds/dataswarm.io_swarmruns.yaml` holds; likewise every kind of run
that is installed.

Limits: expresses what the models use today and raises `InexpressibleError`, naming the field, on anything else.
Invariants: no reference, no title, no null; every text, list and map is capped, or the API server could not bound the
cost of a rule; the default of a block is written out, because the server checks it against the rules before it fills
anything in from within (`default: {}` fails a rule that reads a defaulted field).
"""

import sys
from collections.abc import Callable

import yaml
from pydantic.json_schema import JsonSchemaValue

from swarm_core.api import custom_resources, scalars
from swarm_core.api.block import VALIDATIONS
from swarm_core.api.custom_resources import CustomResource
from swarm_core.api.plugin_spec import PRESERVE
from swarm_core.api.run import API_GROUP, API_VERSION
from swarm_core.api.schema import inline_references

HEADER = "# Made from the models by `python -m swarm_core.api.crd`; edit those.\n"
DROPPED_KEYWORDS = frozenset({"title", "propertyNames"})
"""What a structural schema has no word for: the keys of a map are bounded by the size of an object."""
COPIED_KEYWORDS = frozenset({
    "type", "description", "enum", "required", "minimum", "maximum", "minLength", "maxLength", "pattern", "minItems",
    "maxItems", "maxProperties", VALIDATIONS, "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
    PRESERVE,
})  # fmt: skip
CAP_KEYWORDS = {"string": "maxLength", "array": "maxItems"}


class InexpressibleError(Exception):
    """A model uses what a structural schema cannot say."""


def build_manifest(resource: CustomResource) -> JsonSchemaValue:
    """The CustomResourceDefinition as an object."""
    kind, plural = resource.kind, resource.plural
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{API_GROUP}"},
        "spec": {
            "group": API_GROUP,
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "shortNames": [resource.short],
                "categories": ["swarm"],
            },
            "scope": "Namespaced",
            "versions": [_build_version(resource)],
        },
    }


def text(resource: CustomResource) -> str:
    """The CustomResourceDefinition as YAML."""
    return HEADER + yaml.safe_dump(build_manifest(resource), sort_keys=False, width=120, allow_unicode=True)


def _build_version(resource: CustomResource) -> JsonSchemaValue:
    return {
        "name": API_VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [_build_column(*column) for column in resource.columns],
        "schema": {"openAPIV3Schema": _build_root(resource)},
    }


def _build_column(name: str, kind: str, path: str) -> JsonSchemaValue:
    return {"name": name, "type": kind, "jsonPath": path}


def _build_root(resource: CustomResource) -> JsonSchemaValue:
    """The whole object. Kubernetes owns the type and the metadata; of the latter only the name may be narrowed."""
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
    """The rule that field `name` of the spec stays as it was; `always` says that it is never absent."""
    same = f"self.{name} == oldSelf.{name}"
    if not always:
        same = f"has(self.{name}) == has(oldSelf.{name}) && (!has(self.{name}) || {same})"
    article = "an" if resource.kind.startswith("A") else "a"
    message = f"{name} is fixed once a run exists; create {article} {resource.kind} of another name"
    return {"rule": same, "message": message, "fieldPath": f".{name}", "reason": "FieldValueForbidden"}


def to_structural(node: JsonSchemaValue, path: str) -> JsonSchemaValue:
    """`node`, free of references, as a structural schema. Raises InexpressibleError, naming the field at `path`."""
    node = _remove_null_type(node, path)
    schema: JsonSchemaValue = {}
    for key, value in node.items():
        if key in COPIED_KEYWORDS:
            schema[key] = " ".join(value.split()) if key == "description" else value
        elif key in CONVERTERS:
            schema.update(CONVERTERS[key](value, path))
        elif key not in DROPPED_KEYWORDS:
            raise InexpressibleError(f"{path}: a structural schema has no {key!r}; model the field without it")
    return _require_cap(_add_format(schema), path)


def _remove_null_type(node: JsonSchemaValue, path: str) -> JsonSchemaValue:
    """`node` where null stood for absent: neither null nor a default of null."""
    if "anyOf" not in node:
        return node
    kinds = [part for part in node["anyOf"] if part.get("type") != "null"]
    if len(kinds) != 1 or node.get("default") is not None:
        raise InexpressibleError(f"{path}: a structural schema has no 'anyOf'; use a type and one block per member")
    return {**kinds[0], **{key: value for key, value in node.items() if key not in ("anyOf", "default")}}


def _add_format(schema: JsonSchemaValue) -> JsonSchemaValue:
    """`schema` with a format where Kubernetes wants one, and no null in its default."""
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
        raise InexpressibleError(f"{path}: no {cap}; the API server cannot bound the cost of rules without it")
    return schema


def _convert_properties(value: JsonSchemaValue, path: str) -> JsonSchemaValue:
    return {"properties": {name: to_structural(part, f"{path}.{name}") for name, part in value.items()}}


def _convert_map(value: JsonSchemaValue | bool, path: str) -> JsonSchemaValue:
    """The values of a map. `false`, of a block, is left out: the server prunes unknown fields instead."""
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
"""Keywords that a structural schema says in other words."""


if __name__ == "__main__":
    sys.stdout.write(text(custom_resources.find_resource(sys.argv[1])))
