"""The judge, which scores answers, and the gates, which decide whether items count.

`type` names a verifier, a judge or a gate: it is a key of the catalog, or `Plugin` for a plug-in that another
distribution provides. The blocks are made from the catalog (`part_choice`), so no part is named here.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field
from pydantic.alias_generators import to_camel, to_snake

from swarm_core import catalog, plugins
from swarm_core.api import part_choice
from swarm_core.api.part_choice import Additions, PartChoice
from swarm_core.api.plugin_spec import PluginSpec
from swarm_core.blocks import settings
from swarm_core.blocks.block import Block, Rule
from swarm_core.blocks.data_source import MAX_DATA_SETS, DataSet
from swarm_core.blocks.endpoints import EndpointSpec
from swarm_core.blocks.scalars import Flag, Limit

VERIFIER = "Verifier"
"""The type of a judge that is a verifier."""
PANEL = "Panel"
"""The type of a judge that combines several judges."""
PANEL_REVISION = 1
"""The revision of the combination of judges. It is raised when its results change."""
ALLOWED = (
    "Whether a judge model may be of the same family as a taker. Models mark texts of their own family too high, so"
    " such a judge is refused by default."
)


class AskingPlugin(PluginSpec):
    """A judge or a gate that another distribution provides."""

    endpoint: EndpointSpec | None = None
    """Endpoint of the model that the plug-in asks. If absent, it asks no model."""


class GatePlugin(AskingPlugin):
    """A gate that another distribution provides."""

    data: Annotated[tuple[DataSet, ...], Field(max_length=MAX_DATA_SETS)] = ()
    """Data sets that the plug-in compares items with. All items of them are read when the run is prepared."""


class PanelRule(StrEnum):
    """The rules by which the scores of several judges become one."""

    MEAN = "Mean"
    """The mean of the scores."""
    MAJORITY = "Majority"
    """1 or 0, as most judges say. A score of at least 0.5 says 1."""


if TYPE_CHECKING:

    class Verifier(PartChoice): ...

    class GateSpec(PartChoice): ...

    class MemberSpec(PartChoice):
        verifier: Verifier | None

    class JudgeSpec(PartChoice):
        verifier: Verifier | None
        panel: "PanelSpec | None"
        allow_same_family: bool

else:
    Verifier = part_choice.build_choice(
        "verifiers", "Verifier", "A program that computes the correct answer.", PluginSpec
    )
    GateSpec = part_choice.build_choice(
        "gates", "GateSpec", "A gate: a condition that an item must meet to be accepted.", GatePlugin
    )
    MemberSpec = part_choice.build_choice(
        "judges", "MemberSpec", "A judge of a panel.", AskingPlugin, Additions({VERIFIER: Verifier})
    )


class PanelSpec(Block):
    """Several judges whose scores become one."""

    members: Annotated[tuple[MemberSpec, ...], Field(min_length=2, max_length=8)]
    """The judges. The requests of all of them are sent together."""
    rule: PanelRule = PanelRule.MEAN
    """Rule that combines the scores: Mean, or Majority (1 or 0, as most judges say, where a score of at least 0.5 says
    1). A tie gives no score."""
    at_least: Limit | None = None
    """Minimum number of judges that must give a score. With fewer, an answer has no score. If absent, all must."""

    rules: ClassVar[tuple[Rule["PanelSpec"], ...]] = (
        Rule(
            "!has(self.atLeast) || self.atLeast <= self.members.size()",
            "a panel cannot wait for more judges than it has; lower atLeast, or list more members",
            "atLeast",
            lambda it: it.at_least is None or it.at_least <= len(it.members),
        ),
    )


if not TYPE_CHECKING:
    JudgeSpec = part_choice.build_choice(
        "judges",
        "JudgeSpec",
        "The judge, which scores the answers of takers.",
        AskingPlugin,
        Additions(
            {VERIFIER: Verifier, PANEL: PanelSpec}, {"allow_same_family": (Flag, Field(False, description=ALLOWED))}
        ),
    )


def list_members(judge: JudgeSpec) -> tuple[tuple[str, MemberSpec | JudgeSpec], ...]:
    """Return the path below `judge` and the block of each member of a panel; of `judge` alone if it is none."""
    if judge.panel is None:
        return (("", judge),)
    return tuple((f"{PANEL.lower()}.members[{place}].", member) for place, member in enumerate(judge.panel.members))


def list_endpoints(judge: JudgeSpec) -> tuple[tuple[str, EndpointSpec], ...]:
    """Return the path below `judge` and the endpoint of every model that it asks."""
    found = [(path, member.endpoint) for path, member in list_members(judge)]
    return tuple((f"{path}{one[0]}", one[1]) for path, one in found if one is not None)


def list_default_gates(judge: JudgeSpec) -> tuple[GateSpec, ...]:
    """Return the gates of a run whose spec lists none: those of the catalog, and those that its judge or the members of
    its panel add."""
    names = list(catalog.DEFAULT_GATES)
    for _, member in list_members(judge):
        chosen: PartChoice | None = member.verifier if member.type == VERIFIER else member
        assert chosen is not None  # a rule of JudgeSpec
        names += _list_added(chosen.group, chosen.type)
    return tuple(GateSpec(type=name) for name in dict.fromkeys(names))


def _list_added(group: str, name: str) -> tuple[str, ...]:
    """Return the gates that a built-in judge adds to the default list."""
    if name not in catalog.GROUPS[group]:
        return ()
    added: tuple[str, ...] = getattr(plugins.load_built_in(group, name), "default_gates", ())
    return added


def _describe_gates() -> str:
    """Return the description of the field `gates`, with its default."""
    added = {name: _list_added("judges", name) for name in catalog.JUDGES}
    more = "".join(
        f", then {', '.join(gates)} if the judge or a member of its panel is of type {name}"
        for name, gates in added.items()
        if gates
    )
    return (
        "Gates: the conditions that an item must meet to be accepted. Items pass them in this order. A list replaces"
        f" the default list, which is {', '.join(catalog.DEFAULT_GATES)}{more}."
    )


Gates = Annotated[tuple[GateSpec, ...], Field(max_length=16)]
GatesField = Annotated[Gates | None, Field(description=_describe_gates())]
"""The field `gates` of a spec; None stands for `list_default_gates`."""


def _iterate_optional_askers() -> Iterator[tuple[str, str]]:
    """The gates that may ask the model of the judge, with the names of their endpoints' fields."""
    for name in catalog.GROUPS["gates"]:
        block = part_choice.find_settings("gates", name)
        field = settings.find_endpoint_field(block)
        if field and not block.model_fields[field].is_required():
            yield name, field


def _iterate_judge_endpoints(judge: str) -> Iterator[str]:
    """For every judge that asks a model: the CEL condition that the block `judge` has its endpoint."""
    for name, field in MemberSpec.model_fields.items():
        for block in getattr(field.annotation, "__args__", ()):
            asked = settings.find_endpoint_field(block) if issubclass(block, Block) else None
            if asked:
                yield f"(has({judge}.{to_camel(name)}) && has({judge}.{to_camel(name)}.{to_camel(asked)}))"


def _list_without_model(spec: Any) -> list[int]:
    """Return the indices of the gates that have no model to ask."""
    askers = dict(_iterate_optional_askers())
    if list_endpoints(spec.judge):
        return []
    return [place for place, gate in enumerate(spec.gates or ()) if gate.type in askers and gate.endpoint is None]


def _find_own_model(name: str, block: str, field: str) -> str:
    """Return the CEL condition that the gate `g` has an endpoint. A block that must be given has a rule of its own."""
    if part_choice.is_required(part_choice.find_settings("gates", name)):
        return f"!has(g.{block}) || has(g.{block}.{field})"
    return f"(has(g.{block}) && has(g.{block}.{field}))"


def _build_gates_rule() -> Rule[Any]:
    """Return the rule that every gate that asks a model has one: its own, or that of the judge."""
    named = [(name, to_camel(to_snake(name)), to_camel(field)) for name, field in _iterate_optional_askers()]
    gates = " && ".join(
        f"(g.type != '{name}' || {_find_own_model(name, block, field)})" for name, block, field in named
    )
    members = f"self.judge.panel.members.exists(m, {' || '.join(_iterate_judge_endpoints('m'))})"
    judges = " || ".join([*_iterate_judge_endpoints("self.judge"), f"(has(self.judge.panel) && {members})"])
    return Rule(
        f"!has(self.gates) || {judges} || self.gates.all(g, {gates or 'true'})",
        "this gate asks a model, and neither it nor the judge has an endpoint; give the gate an endpoint, or remove it",
        "gates",
        lambda it: not _list_without_model(it),
        lambda it: ("gates", _list_without_model(it)[0]),
    )


GATES_RULE: Rule[Any] = _build_gates_rule()
"""A rule of every spec that has a judge and gates."""
