"""The user and groups that pods run as.

Limits: root is not among them. Whether a cluster admits an id is decided when a pod is created.
"""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from swarm_core.blocks.block import Block, Rule, union_member_rule
from swarm_core.blocks.scalars import Integer

IMAGE_USER_ID = 65532
"""The user of our images. They work with any other user, too."""


class PodUserType(StrEnum):
    """Who chooses the user of the pods."""

    FIXED = "Fixed"
    CLUSTER = "Cluster"


class FixedUser(Block):
    """The ids that pods run as."""

    run_as_user: Integer = Field(IMAGE_USER_ID, ge=1, le=2**31 - 1)
    """Id of the user. It is not 0, which is root."""
    run_as_group: Integer = Field(IMAGE_USER_ID, ge=1, le=2**31 - 1)
    """Id of the primary group."""
    fs_group: Integer = Field(IMAGE_USER_ID, ge=1, le=2**31 - 1)
    """Id of the group that owns the volumes of the pods."""


class PodUser(Block):
    """The user and groups of the pods."""

    type: PodUserType
    """Type of the choice: with Fixed, the pods run as the ids in fixed. With Cluster, no id is written, and the cluster
    assigns one from the range of the namespace, as OpenShift does."""
    fixed: FixedUser | None = None
    """Ids of type Fixed."""

    rules: ClassVar[tuple[Rule["PodUser"], ...]] = (
        union_member_rule("fixed", "type", PodUserType.FIXED, required=True),
    )
