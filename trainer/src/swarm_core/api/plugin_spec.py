"""The block with which a spec names a plug-in: `plugin: {name, config}`, next to `type: Plugin`.

The factory of the plug-in defines the fields of `config`. This module only normalizes it.

Limits: it does not look up the name. The API server and the operator have no plug-ins. The step `prepare` refuses a
plug-in that is not installed.
"""

from typing import Any

from pydantic import Field

from swarm_core import catalog
from swarm_core.blocks.block import Block, Rule, union_member_rule
from swarm_core.blocks.free_json import Config
from swarm_core.blocks.scalars import Label


class PluginSpec(Block):
    """A plug-in that another distribution provides."""

    name: Label
    """Name of the plug-in: the name of its entry point."""
    config: Config = Field(default_factory=dict)
    """Settings of the plug-in. The plug-in checks them when the run is prepared."""


PLUGIN_RULE: Rule[Any] = union_member_rule("plugin", "type", catalog.PLUGIN, required=True)
"""The rule that `plugin` is given if and only if `type` is Plugin."""
