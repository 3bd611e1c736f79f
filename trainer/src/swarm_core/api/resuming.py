"""The start of a run from an iteration of another run.

It is not part of the identity, because the run takes over results that it would have computed itself.
"""

from pydantic import Field

from swarm_core.blocks.block import Block
from swarm_core.blocks.scalars import Integer, RunUri


class ResumeFrom(Block):
    """A checkpoint of another run: the state after one of its iterations."""

    uri: RunUri
    """The other run: its folder, or s3://BUCKET/PREFIX/NAME. It is only read."""
    iteration: Integer = Field(ge=0, le=100_000)
    """Last iteration to take over. With 0, only the initial generators and their measurement are taken over."""
