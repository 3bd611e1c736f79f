"""The scalars of Kubernetes in a spec: names, labels and quantities, with the patterns that the API server checks.

Limits: whether an object exists is not checked. The pattern of a label key is checked by the operator.
"""

from typing import Annotated

from pydantic import Field, Strict

from swarm_core.blocks.block import Block
from swarm_core.blocks.scalars import Pattern

SUBDOMAIN_PATTERN = "[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
ObjectName = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=253),
    Pattern(SUBDOMAIN_PATTERN, "use lower-case letters, digits, '-' and '.', a letter or digit first and last"),
]
"""The name of a Kubernetes object."""
Label63 = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=63),
    Pattern("[a-z0-9]([-.a-z0-9]*[a-z0-9])?", "use lower-case letters, digits, '-' and '.', no sign at the ends"),
]
"""The name of a Kubernetes object that is also the value of a label."""
LabelText = Annotated[
    str,
    Strict(),
    Field(max_length=63),
    Pattern("([A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?)?", "use letters, digits, '-', '_' and '.'"),
]
Quantity = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=16),
    Pattern("[1-9][0-9]{0,9}([.][0-9]{1,3})?(m|k|M|G|T|Ki|Mi|Gi|Ti)?", "write a quantity such as 500m, 4 or 16Gi"),
]
"""An amount in the notation of Kubernetes."""
LabelKey = Annotated[str, Strict(), Field(max_length=317)]


def drop_nulls(value: object) -> object:
    """Return the map without nulls, as an API server stores it."""
    if isinstance(value, dict):
        return {key: part for key, part in value.items() if part is not None}
    return value


class LocalObjectReference(Block):
    """A reference to an object in the same namespace."""

    name: ObjectName
    """Name of the object."""
