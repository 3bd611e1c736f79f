"""The settings of a built-in part: the block that users write beside its `type`.

A part names its settings class in `settings`. The API makes a field from it, named after the part. A part that asks a
model has one field of type `EndpointSpec`, found by its type. If that field of a gate may be absent, the gate then asks
the model of the judge. A gate that compares items with data has one field of type `tuple[DataSet, ...]`, also found by
its type: the data is listed and pinned with the other inputs, and the gate gets its items (`GateContext.data`). A judge
or a gate that asks a classifier has one field of type `ClassifierModel`: the model is listed and pinned like data, and
requests that name it (`classification.name_classifier`) reach it.

Limits: at most one endpoint, one classifier and one list of data per part, at the top level of its settings. No other
setting is a place (`Uri`). Only gates get data.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, get_args

from pydantic import BaseModel

from swarm_core.blocks.block import Block
from swarm_core.blocks.classifier_model import ClassifierModel
from swarm_core.blocks.data_source import DataSet
from swarm_core.blocks.endpoints import EndpointSpec


class Settings(Block):
    """The settings of a part. This class itself is for parts that have none."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({},)
    """Valid settings, as users write them. The tests make documents of them. A class with a required field has its
    own."""
    counterexamples: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """For the message of every rule within the settings: settings that break this rule alone, as users write them."""


def find_endpoint_field(block: type[BaseModel]) -> str | None:
    """Return the name of the field of a block that holds an endpoint; None if it has none.

    Raises ValueError for a block with several.
    """
    return _find_field(block, EndpointSpec)


def find_data_field(block: type[BaseModel]) -> str | None:
    """Return the name of the field of a block that lists data sets; None if it has none.

    Raises ValueError for a block with several.
    """
    return _find_field(block, DataSet)


def find_classifier_field(block: type[BaseModel]) -> str | None:
    """Return the name of the field of a block that names a classifier; None if it has none.

    Raises ValueError for a block with several.
    """
    return _find_field(block, ClassifierModel)


def _find_field(block: type[BaseModel], kind: type[Block]) -> str | None:
    found = [
        name for name, field in block.model_fields.items() if kind in (field.annotation, *get_args(field.annotation))
    ]
    if len(found) > 1:
        raise ValueError(f"{block.__name__}: {', '.join(found)} are of type {kind.__name__}; a part has one; keep one")
    return found[0] if found else None
