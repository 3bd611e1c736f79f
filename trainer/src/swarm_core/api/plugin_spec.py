"""The block with which a spec names a plug-in: `plugin: {name, config}`, next to `type: Plugin`.

The factory of the plug-in defines the fields of `config`. This module only normalizes it, so that the same text has the
same digest in a file and on an API server, which writes 2.0 as 2 and drops nulls.

Limits: it does not look up the name. The API server and the operator have no plug-ins. The step `prepare` refuses a
plug-in that is not installed.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, JsonValue, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError

from swarm_core import catalog
from swarm_core.blocks.block import Block, Rule, union_member_rule
from swarm_core.blocks.scalars import Label, normalize_zero, to_integer

MAX_ENTRIES = 64
PRESERVE = "x-kubernetes-preserve-unknown-fields"
"""The keyword that makes the API server keep fields that the schema does not describe."""


def normalize(value: object) -> object:
    """`value` as an API server would return it: without nulls in mappings, and with whole floats as integers.

    Raises PydanticCustomError for a float that is not finite.
    """
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
    """A plug-in that another distribution provides."""

    name: Label
    """Name of the plug-in: the name of its entry point."""
    config: Config = Field(default_factory=dict)
    """Settings of the plug-in. The plug-in checks them when the run is prepared."""


PLUGIN_RULE: Rule[Any] = union_member_rule("plugin", "type", catalog.PLUGIN, required=True)
"""The rule that `plugin` is given if and only if `type` is Plugin."""
