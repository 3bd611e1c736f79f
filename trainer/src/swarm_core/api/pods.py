"""What users may say about the pods of a run: a bounded part of Kubernetes' pod template.

Limits: nothing here loosens a pod's security, adds a container or mounts a path. Keys of labels are Kubernetes' to
check; the operator refuses a run whose keys would be refused there.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, Strict

from swarm_core.api.block import Block, Rule
from swarm_core.api.scalars import Pattern, to_integer

SUBDOMAIN_PATTERN = "[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
ObjectName = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=253),
    Pattern(SUBDOMAIN_PATTERN, "use lower-case letters, digits, '-' and '.', a letter or digit first and last"),
]
"""The name of an object."""
Label63 = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=63),
    Pattern("[a-z0-9]([-.a-z0-9]*[a-z0-9])?", "use lower-case letters, digits, '-' and '.', no sign at the ends"),
]
"""The name of an object that is also a label's value."""
LabelText = Annotated[
    str,
    Strict(),
    Field(max_length=63),
    Pattern("([A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?)?", "use letters, digits, '-', '_' and '.'"),
]
Quantity = Annotated[
    str,
    Strict(),
    Field(min_length=1, max_length=16),
    Pattern("[1-9][0-9]{0,9}([.][0-9]{1,3})?(m|k|M|G|T|Ki|Mi|Gi|Ti)?", "write a quantity such as 500m, 4 or 16Gi"),
]
"""An amount in Kubernetes' form."""
LabelKey = Annotated[str, Strict(), Field(max_length=317)]


def _drop_nulls(value: object) -> object:
    """An API server drops the nulls of a map."""
    if isinstance(value, dict):
        return {key: part for key, part in value.items() if part is not None}
    return value


class LocalObjectReference(Block):
    """An object of the same namespace."""

    name: ObjectName
    """Its name."""


class TolerationOperator(StrEnum):
    """How a toleration matches."""

    EQUAL = "Equal"
    EXISTS = "Exists"


class TaintEffect(StrEnum):
    """What a taint does."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Toleration(Block):
    """A taint that pods put up with."""

    key: Annotated[str, Strict(), Field(min_length=1, max_length=317)] | None = None
    """Key of the taint; absent, with operator Exists, all."""
    operator: TolerationOperator = TolerationOperator.EQUAL
    """Equal compares the value; Exists is content with the key."""
    value: LabelText | None = None
    """Value of the taint."""
    effect: TaintEffect | None = None
    """Effect of the taint; absent, any."""
    toleration_seconds: Annotated[int, Strict(), Field(ge=0, le=2**31), BeforeValidator(to_integer)] | None = None
    """How long a taint of effect NoExecute is put up with; absent, for ever."""

    rules: ClassVar[tuple[Rule["Toleration"], ...]] = (
        Rule(
            "self.operator == 'Exists' || has(self.key)",
            "without a key only Exists matches; write the key, or set operator to Exists",
            "key",
            lambda it: it.operator is TolerationOperator.EXISTS or it.key is not None,
        ),
        Rule(
            "self.operator == 'Equal' || !has(self.value)",
            "Exists compares no value; remove it, or set operator to Equal",
            "value",
            lambda it: it.operator is TolerationOperator.EQUAL or it.value is None,
        ),
        Rule(
            "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
            "only effect NoExecute is put up with for a time; set it, or remove tolerationSeconds",
            "tolerationSeconds",
            lambda it: it.toleration_seconds is None or it.effect is TaintEffect.NO_EXECUTE,
        ),
    )


class EnvVar(Block):
    """A variable of the environment."""

    name: Annotated[
        str,
        Strict(),
        Field(min_length=1, max_length=128),
        Pattern("[A-Za-z_][A-Za-z0-9_]*", "use letters, digits and '_', no digit first"),
    ]
    """Its name."""
    value: Annotated[str, Strict(), Field(max_length=2048)]
    """Its value, which everybody who may read the run may read: no place for keys."""

    rules: ClassVar[tuple[Rule["EnvVar"], ...]] = (
        Rule(
            "!self.name.startsWith('DATASWARM_')",
            "variables of this beginning are the operator's; choose another name",
            "name",
            lambda it: not it.name.startswith("DATASWARM_"),
        ),
    )


class PodTemplate(Block):
    """What all pods of a run have in common."""

    node_selector: Annotated[dict[LabelKey, LabelText], Field(max_length=16), BeforeValidator(_drop_nulls)] = Field(
        default_factory=dict
    )
    """Labels that a node must have."""
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=16)] = ()
    """Taints that the pods put up with."""
    priority_class_name: ObjectName | None = None
    """Class by which pods are scheduled before others."""
    runtime_class_name: ObjectName | None = None
    """Class of the container runtime."""
    image_pull_secrets: Annotated[tuple[LocalObjectReference, ...], Field(max_length=8)] = ()
    """Secrets by which images are pulled."""
    env: Annotated[tuple[EnvVar, ...], Field(max_length=32)] = ()
    """Variables of the environment; those that the operator sets itself stay as it sets them."""
