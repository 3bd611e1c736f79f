"""The settings that decide on which nodes pods run.

Limits: affinity and topologySpreadConstraints are written as in a pod of Kubernetes. Their content is checked when the
API server creates a Job with them.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, JsonValue, Strict, WithJsonSchema

from swarm_core.api.kubernetes_scalars import LabelText
from swarm_core.blocks.block import Block, Rule
from swarm_core.blocks.free_json import PRESERVE, normalize
from swarm_core.blocks.scalars import to_integer

MAX_ENTRIES = 16
PodField = Annotated[
    dict[Annotated[str, Strict()], JsonValue],
    BeforeValidator(normalize),
    Field(max_length=MAX_ENTRIES),
    WithJsonSchema({"type": "object", PRESERVE: True, "maxProperties": MAX_ENTRIES}),
]
"""An object that is passed on to the pod as it is written."""


class TolerationOperator(StrEnum):
    """How a toleration matches a taint."""

    EQUAL = "Equal"
    EXISTS = "Exists"


class TaintEffect(StrEnum):
    """The effects of a taint."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Toleration(Block):
    """A toleration: the pods may run on nodes with the taints that match."""

    key: Annotated[str, Strict(), Field(min_length=1, max_length=317)] | None = None
    """Key of the taint. If absent, operator must be Exists, and all taints match."""
    operator: TolerationOperator = TolerationOperator.EQUAL
    """How the taint is matched: Equal compares key and value, Exists compares only the key."""
    value: LabelText | None = None
    """Value of the taint."""
    effect: TaintEffect | None = None
    """Effect of the taint. If absent, all effects match."""
    toleration_seconds: Annotated[int, Strict(), Field(ge=0, le=2**31), BeforeValidator(to_integer)] | None = None
    """Number of seconds for which a taint with effect NoExecute is tolerated. If absent, it is tolerated indefinitely.
    """

    rules: ClassVar[tuple[Rule["Toleration"], ...]] = (
        Rule(
            "self.operator == 'Exists' || has(self.key)",
            "operator Equal needs a key; write key, or set operator to Exists",
            "key",
            lambda it: it.operator is TolerationOperator.EXISTS or it.key is not None,
        ),
        Rule(
            "self.operator == 'Equal' || !has(self.value)",
            "operator Exists compares no value; remove value, or set operator to Equal",
            "value",
            lambda it: it.operator is TolerationOperator.EQUAL or it.value is None,
        ),
        Rule(
            "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
            "tolerationSeconds needs effect NoExecute; set effect to NoExecute, or remove tolerationSeconds",
            "tolerationSeconds",
            lambda it: it.toleration_seconds is None or it.effect is TaintEffect.NO_EXECUTE,
        ),
    )
