"""The blocks with which a spec chooses a part: `type`, and beside it the settings of that part.

They are made from the catalog and the parts' classes: a part that is added there appears here, with the first sentence
of its docstring and with its settings. `type: Plugin` chooses a part that another distribution provides.

Limits: every built-in part is imported here, so its module imports no heavy library.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, create_model
from pydantic.alias_generators import to_camel, to_snake

from swarm_core import catalog, plugins
from swarm_core.api.plugin_spec import PLUGIN_RULE, PluginSpec
from swarm_core.blocks import settings
from swarm_core.blocks.block import Block, Rule, union_member_rule
from swarm_core.blocks.classifier_model import ClassifierModel
from swarm_core.blocks.data_source import DataSet
from swarm_core.blocks.endpoints import EndpointSpec
from swarm_core.blocks.scalars import OneOf
from swarm_core.blocks.settings import Settings


class PartChoice(Block):
    """One part, by its type, with its settings."""

    group: ClassVar[str] = ""
    """The table of the catalog that the types are the keys of."""

    if TYPE_CHECKING:  # the made classes have these fields, in this order, with one field per part between them
        type: str
        plugin: PluginSpec | None

    @property
    def chosen(self) -> Block:
        """The settings of the chosen part, with its defaults if the spec has none; the block of a plug-in."""
        written: Block | None = getattr(self, to_snake(self.type), None)
        return find_settings(self.group, self.type)() if written is None else written

    @property
    def endpoint(self) -> tuple[str, EndpointSpec] | None:
        """The path of the endpoint below this block, and the endpoint that the part asks; None if it has none."""
        block = self.chosen
        name = settings.find_endpoint_field(type(block))
        found: EndpointSpec | None = getattr(block, name) if name else None
        return None if found is None or name is None else (f"{to_camel(to_snake(self.type))}.{to_camel(name)}", found)

    @property
    def asked_classifier(self) -> tuple[str, ClassifierModel] | None:
        """The path of the classifier below this block, and the classifier that the part asks; None if it has none."""
        block = self.chosen
        name = settings.find_classifier_field(type(block))
        found: ClassifierModel | None = getattr(block, name) if name else None
        return None if found is None or name is None else (f"{to_camel(to_snake(self.type))}.{to_camel(name)}", found)

    @property
    def data(self) -> tuple[DataSet, ...]:
        """The data sets that the part compares items with."""
        block = self.chosen
        name = settings.find_data_field(type(block))
        found: tuple[DataSet, ...] = getattr(block, name) if name else ()
        return found


def find_settings(group: str, name: str) -> type[Settings]:
    """Return the class of the settings of a built-in part."""
    found: type[Settings] = plugins.load_built_in(group, name).settings
    return found


@dataclass(frozen=True, slots=True)
class Additions:
    """What a choice of a part has beside the parts of its group."""

    types: Mapping[str, type[Block]] = field(default_factory=dict)
    """Further types with their required blocks."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Further fields, which several types use, as pydantic defines them."""
    rules: tuple[Rule[Any], ...] = ()
    """Rules about these fields."""


def build_choice(
    group: str, name: str, about: str, plugin: type[PluginSpec], additions: Additions | None = None
) -> Any:
    """Return the block called `name` that chooses a part of `group`. `about`: its description."""
    additions = additions or Additions()
    others = additions.types
    blocks = {**others, **{part: find_settings(group, part) for part in catalog.GROUPS[group]}}
    written = {part: block for part, block in blocks.items() if block.model_fields}
    members = {to_snake(part): (block | None, _field(f"Settings of type {part}.")) for part, block in written.items()}
    kinds = Annotated[str, OneOf((*blocks, catalog.PLUGIN))]
    fields: dict[str, Any] = {"type": (kinds, Field(description=_describe_types(group, others))), **members}
    fields["plugin"] = (plugin | None, _field("Settings of type Plugin."))
    fields |= additions.fields
    made: Any = create_model(name, __base__=PartChoice, __module__=__name__, __doc__=about, **fields)
    made.group = group
    made.rules = (
        *(
            union_member_rule(to_snake(part), "type", part, required=part in others or is_required(one))
            for part, one in written.items()
        ),
        PLUGIN_RULE,
        *additions.rules,
    )
    return made


def _describe_types(group: str, others: Mapping[str, type[Block]]) -> str:
    """Return the description of the field `type`: every type with one phrase."""
    classes = {**others, **{part: plugins.load_built_in(group, part) for part in catalog.GROUPS[group]}}
    phrases = [f"{part} ({summarize(one)})" for part, one in classes.items()]
    return f"Type of the {group[:-1]}: {', '.join(phrases)}, or Plugin (one that another distribution provides)."


def _field(description: str) -> Any:
    return Field(None, description=description)


def is_required(block: type[Block]) -> bool:
    """Return whether a block has a field without a default, so that its type cannot be chosen without it."""
    return any(field.is_required() for field in block.model_fields.values())


def summarize(part: type[Any]) -> str:
    """Return the first sentence of the docstring of a class, as a phrase."""
    first, _, _ = " ".join((part.__doc__ or "").split()).partition(". ")
    start = first if first[1:2].isupper() else f"{first[:1].lower()}{first[1:]}"
    return start.removesuffix(".")
