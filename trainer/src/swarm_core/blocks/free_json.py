"""A field that holds any JSON object, for settings that dataswarm does not know.

It is only normalized, so that the same text has the same digest in a file and on an API server, which writes 2.0 as 2
and drops nulls.
"""

import math
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, JsonValue, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError

from swarm_core.blocks.scalars import normalize_zero, to_integer

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
"""A JSON object."""
