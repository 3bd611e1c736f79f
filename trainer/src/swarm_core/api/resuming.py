"""Where a run takes up another's search. Outside the identity: it takes over what it would have found itself."""

from pydantic import Field

from swarm_core.api.block import Block
from swarm_core.api.scalars import Integer, RunUri


class ResumeFrom(Block):
    """Another run, up to one of its iterations."""

    uri: RunUri
    """That run: its folder, or s3://BUCKET/PREFIX/NAME; it is only read."""
    iteration: Integer = Field(ge=0, le=100_000)
    """Last iteration taken over; 0 takes over the generators and the start."""
