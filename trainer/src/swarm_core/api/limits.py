"""When a run ends though its search would go on. Outside the identity: a longer search begins with the shorter one."""

from typing import Annotated

from pydantic import BeforeValidator, Field, Strict

from swarm_core.api.block import Block
from swarm_core.api.scalars import Shape, unsigned_zero, whole

Count = Annotated[int, Strict(), Field(ge=0, le=1000), BeforeValidator(whole)]
Seconds = Annotated[int, Strict(), Field(ge=1, le=31_536_000), BeforeValidator(whole)]
Limit = Annotated[int, Strict(), Field(ge=1, le=1_000_000_000), BeforeValidator(whole)]
Delay = Annotated[int, Strict(), Field(ge=0, le=31_536_000), BeforeValidator(whole)]
Hours = Annotated[float, Strict(), Field(ge=0, le=1_000_000), BeforeValidator(unsigned_zero)]
Token = Annotated[
    str, Strict(), Field(max_length=64), Shape("[-A-Za-z0-9_.:]*", "use letters, digits, '-', '_', '.' and ':'")
]
"""A word that means something only by being another one than before."""


class Budget(Block):
    """What a run may use. When calls or tokens are used up it stops, and goes on when the budget is raised."""

    gpu_hours: Hours | None = None
    """Accelerator-hours after which no further iteration begins on a cluster: the run concludes with its best so far,
    and fails if there is none."""
    calls: Limit | None = None
    """Requests sent to endpoints over the whole run; one that is sent again counts once, an answer kept not at all."""
    tokens: Limit | None = None
    """Tokens of prompts and answers over the whole run, as endpoints count them; what is under way may go beyond it."""
