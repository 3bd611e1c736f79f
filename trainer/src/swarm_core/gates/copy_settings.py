"""The settings that all gates against copies share."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, Strict

from swarm_core.blocks.scalars import AtLeast, normalize_zero
from swarm_core.blocks.settings import Settings

Similarity = Annotated[float, Strict(), Field(ge=0, le=1), AtLeast(0.5), BeforeValidator(normalize_zero)]


class CopySettings(Settings):
    """Which items count as copies."""

    similarity: Annotated[float, Strict(), Field(ge=0, le=1), AtLeast(0.5), BeforeValidator(normalize_zero)] | None = (
        None
    )
    """Least similarity of a near copy, from 0.5 to 1: the share of characters that two texts have in common, in order.
    Items with different numbers are no near copies. If absent, only an item in another spelling is a copy."""

    examples: ClassVar[tuple[Mapping[str, Any], ...]] = ({}, {"similarity": 0.9})
