"""How a spec names a plug-in: `plugin: {name, config}`, beside `type: Plugin`.

`config` is the plug-in's own: whatever its factory understands, as JSON. Here it is only brought into one form, so that
the same text has the same digest in a file and on an API server, which writes 2.0 as 2 and drops nulls.

Limits: a name is not looked up. The API server and the operator have no plug-ins; `prepare` has, and refuses there.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, JsonValue, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError

from swarm_core import catalog
from swarm_core.api.block import Block, Rule, union_member_rule
from swarm_core.api.scalars import Label, normalize_zero, to_integer

MAX_ENTRIES = 64
PRESERVE = "x-kubernetes-preserve-unknown-fields"
"""Tells the API server to keep what the schema does not describe."""


def normalize(value: object) -> object:
    """`value` as an API server would hand it back: nulls of mappings dropped, whole floats as integers."""
    match value:
        case Mapping():
            return {key: normalize(part) for key, part in value.items() if part is not None}
        case list() | tuple():
            return [normalize(part) for part in value]
        case float() if not math.isfinite(value):
            raise PydanticCustomError("finite_number", "write a finite number")
    return to_integer(normalize_zero(value))


Config = Annotated[
    dict[Annotated[str, Strict()], JsonValue],
    BeforeValidator(normalize),
    Field(max_length=MAX_ENTRIES),
    WithJsonSchema({"type": "object", PRESERVE: True, "maxProperties": MAX_ENTRIES}),
]
"""The settings of a plug-in, as JSON."""


class PluginSpec(Block):
    """A part that another distribution brings."""

    name: Label
    """Name of the plug-in, as its distribution registers it."""
    config: Config = Field(default_factory=dict)
    """Settings of the plug-in, which it checks itself when the run is prepared."""


PLUGIN_RULE: Rule[Any] = union_member_rule("plugin", "type", catalog.PLUGIN, required=True)
"""`plugin` is given exactly where `type` is Plugin."""
