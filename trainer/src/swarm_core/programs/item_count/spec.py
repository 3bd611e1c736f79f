"""The ItemCount resource: a file of items to be counted. No model runs, nothing is trained."""

from typing import Literal

from swarm_core.api.block import Block
from swarm_core.api.run import Run, RunSpec
from swarm_core.api.run_status import RunStatus
from swarm_core.api.scalars import Integer, Line, Uri

IDENTITY_FIELDS = ("seed", "data")
"""The fields that make the experiment what it is: digested, and fixed once created."""
FIXED_NON_IDENTITY_FIELDS = ("storage",)
"""Not digested, and still fixed: they say where the run is."""


class ItemFile(Block):
    """A JSON Lines file of items."""

    uri: Uri
    """The file."""
    field: Line = "text"
    """Field of each record that holds the text of the item."""


class ItemCountSpec(RunSpec):
    """What is counted."""

    data: ItemFile
    """The items."""


class ItemCountStatus(RunStatus):
    """How far a run is."""

    items: Integer | None = None
    """Items that the file holds."""


class ItemCount(Run):
    """The items of a file, counted."""

    kind: Literal["ItemCount"]
    """Kind of this resource."""
    spec: ItemCountSpec
    """What is counted."""
    status: ItemCountStatus | None = None
    """How far the run is; written by whoever runs it."""
