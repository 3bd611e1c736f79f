"""The rivals of a search: other ways to get a data set for the same budget, which the report compares it with.

`type` names a rival: it is a key of the catalog, or `Plugin` for a plug-in that another distribution provides. The
block is made from the catalog (`part_choice`), so no rival is named here.
"""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from swarm_core.api import part_choice
from swarm_core.api.part_choice import PartChoice
from swarm_core.api.plugin_spec import PluginSpec
from swarm_core.blocks.block import Rule, list_repeated

if TYPE_CHECKING:

    class RivalSpec(PartChoice): ...

else:
    RivalSpec = part_choice.build_choice(
        "rivals", "RivalSpec", "A rival: another way to get a data set for the budget of the search.", PluginSpec
    )

MAX_RIVALS = 16
Rivals = Annotated[tuple[RivalSpec, ...], Field(max_length=MAX_RIVALS)]


def get_label(rival: RivalSpec) -> str:
    """Return the name of a rival in results: its type, or the name of the plug-in."""
    return rival.type if rival.plugin is None else rival.plugin.name


def _list_repeated(evaluation: Any) -> list[int]:
    """Return the indices of rivals whose name an earlier rival has."""
    return list_repeated(map(get_label, evaluation.rivals))


_LABEL = "(has({0}.plugin) ? {0}.plugin.name : {0}.type)"
"""The CEL expression of `get_label`."""
RIVALS_RULE: Rule[Any] = Rule(
    f"!has(self.rivals) || self.rivals.all(a, self.rivals.exists_one(b, {_LABEL.format('a')} == {_LABEL.format('b')}))",
    "this rival is listed twice; remove one of them",
    "rivals",
    lambda it: not _list_repeated(it),
    lambda it: ("rivals", _list_repeated(it)[0]),
)
"""A rule of every block that lists rivals."""
